/* SPDX-License-Identifier: MIT */
#include "share/share.h"

#include "share_fixture.h"

#define WRITTEN "HSET p0f:192.0.2.1 web1 V\nPEXPIRE p0f:192.0.2.1 7200000\n"

Test(share_writes, once_per_interval, .init = tier_start, .fini = tier_finish)
{
    struct p0f_host host = tier_host(0);

    tier_write("192.0.2.1", &host);
    tier_expect(0, WRITTEN);
    cr_assert_eq(tier_counts()->writes_ok, 1);
    cr_assert_eq(tier.status.written, 1);
    tier_pass(29000);
    host.last_seen += 29;
    host.total_conn++;
    tier_write("192.0.2.1", &host);
    tier_expect(0, "");
    cr_assert_eq(tier_counts()->writes_unchanged, 1);
    tier_pass(1000);
    tier_write("192.0.2.1", &host);
    tier_expect(0, WRITTEN);
    cr_assert_eq(tier_counts()->writes_ok, 2);
}

Test(share_writes, a_change_at_once, .init = tier_start, .fini = tier_finish)
{
    struct p0f_host host = tier_host(0);

    tier_write("192.0.2.1", &host);
    tier_expect(0, WRITTEN);
    strcpy(host.os_name, "Windows");
    tier_write("192.0.2.1", &host);
    tier_expect(0, WRITTEN);
}

Test(share_writes, what_is_read_back, .init = tier_start, .fini = tier_finish)
{
    struct p0f_host host = tier_host(3);
    const struct p0f_addr addr = tier_addr("192.0.2.1");
    struct fake_store_command command;
    struct shared_host shared;

    tier.stores[0].mute = true;
    tier_write("192.0.2.1", &host);
    struct fake_store_client *client = &tier.stores[0].fake.clients[0];
    cr_assert_eq(fake_store_read(client), FAKE_STORE_GOT);
    cr_assert(fake_store_next(client, &command));
    cr_assert(shared_host_read(command.args[3].at, command.args[3].length, &addr, &shared));
    cr_assert_str_eq(shared.sensor, "web1");
    cr_assert_eq(shared.observed_at, tier.wall);
    cr_assert_eq(shared.host.last_seen, tier.wall - 3);
    fake_store_put(client, ":1\r\n:1\r\n");
    fake_store_write(client, SIZE_MAX);
    tier_settle();
    cr_assert_eq(tier_counts()->writes_ok, 1);
}

Test(share_writes, the_ttl_may_change, .init = tier_start, .fini = tier_finish)
{
    struct p0f_host host = tier_host(0);

    share_set_times(tier.share, &(struct share_times){.ttl = 60000, .timeout = 50});
    tier_write("192.0.2.1", &host);
    tier_expect(0, "HSET p0f:192.0.2.1 web1 V\nPEXPIRE p0f:192.0.2.1 60000\n");
}

static void expect_refusal(const char *on_set, const char *on_expire)
{
    struct p0f_host host = tier_host(0);
    uint64_t errors = tier_counts()->writes_error;

    tier.stores[0].on_set = on_set;
    tier.stores[0].on_expire = on_expire;
    tier_write("192.0.2.1", &host);
    tier_expect(0, WRITTEN);
    cr_assert_eq(tier_counts()->writes_error, errors + 1, "%s%s", on_set ? on_set : "",
                 on_expire ? on_expire : "");
}

Test(share_writes, what_is_refused_is_tried_again, .init = tier_start, .fini = tier_finish)
{
    struct p0f_host host = tier_host(0);

    expect_refusal("-OOM command not allowed when used memory > 'maxmemory'.\r\n", NULL);
    expect_refusal("-READONLY You can't write against a read only replica.\r\n",
                   "-READONLY You can't write against a read only replica.\r\n");
    expect_refusal("-NOPERM this user has no permissions to run the 'hset' command\r\n", NULL);
    expect_refusal("-WRONGTYPE Operation against a key holding the wrong kind of value\r\n", NULL);
    expect_refusal("-MISCONF Redis is configured to save RDB snapshots\r\n", NULL);
    expect_refusal("+OK\r\n", NULL);
    expect_refusal("$-1\r\n", NULL);
    expect_refusal("*0\r\n", NULL);
    expect_refusal(NULL, "-NOPERM this user has no permissions to run the 'pexpire' command\r\n");
    cr_assert_eq(tier_counts()->breaker_opened, 0);
    cr_assert_eq(tier.status.counts.writes_ok, 0);
    tier.stores[0].on_set = tier.stores[0].on_expire = NULL;
    tier_write("192.0.2.1", &host);
    tier_expect(0, WRITTEN);
    cr_assert_eq(tier_counts()->writes_ok, 1);
}

Test(share_writes, one_evicted_before_it_expires_is_written, .init = tier_start,
     .fini = tier_finish)
{
    struct p0f_host host = tier_host(0);

    tier.stores[0].on_expire = ":0\r\n";
    tier_write("192.0.2.1", &host);
    cr_assert_eq(tier_counts()->writes_ok, 1);
}

Test(share_writes, a_host_that_cannot_be_written, .init = tier_start, .fini = tier_finish)
{
    struct p0f_host host = tier_host(0);

    host.bad_sw = 77;
    tier_write("192.0.2.1", &host);
    tier_expect(0, "");
    cr_assert_eq(tier_counts()->writes_dropped, 1);
}

Test(share_writes, a_lost_one_is_tried_again, .init = tier_start, .fini = tier_finish)
{
    struct p0f_host host = tier_host(0);

    tier.stores[0].mute = true;
    tier_write("192.0.2.1", &host);
    fake_store_stop(&tier.stores[0].fake);
    tier_settle();
    cr_assert_eq(tier_counts()->writes_error, 1);
    tier_write("192.0.2.1", &host);
    cr_assert_eq(tier_counts()->writes_dropped, 1, "the server is down");
    tier.stores[0].mute = false;
    cr_assert(fake_store_start(&tier.stores[0].fake));
    tier_pass(20000);
    tier_forget_protocols();
    tier_write("192.0.2.1", &host);
    tier_expect(0, WRITTEN);
}

/* ---- Bounds */

static void write_many(unsigned count)
{
    struct p0f_host host = tier_host(0);

    for (unsigned i = 0; i < count; i++) {
        const struct p0f_addr addr = {.type = 4, .bytes = {10, 0, (uint8_t)(i >> 8), (uint8_t)i}};
        share_write(tier.share, &addr, &host, "web1");
    }
}

static unsigned count_lines(const char *text)
{
    unsigned count = 0;

    while ((text = strchr(text, '\n'))) {
        text++;
        count++;
    }
    return count;
}

Test(share_writes, are_bounded_for_each_server, .init = tier_start, .fini = tier_finish)
{
    tier.stores[0].mute = true;
    write_many(600);
    tier_settle();
    cr_assert_eq(tier_counts()->writes_dropped, 600 - 512);
    cr_assert_eq(tier.status.node[0].outstanding, 2 * 128);
    tier.stores[0].mute = false;
    for (int i = 0; i < 8; i++)
        tier_settle();
    cr_assert_eq(tier_counts()->writes_ok, 512);
    cr_assert_eq(count_lines(tier.stores[0].protocol), 2 * 512);
    tier_forget_protocols();
    write_many(600);
    for (int i = 0; i < 8; i++)
        tier_settle();
    cr_assert_eq(tier_counts()->writes_ok, 600, "those that were dropped are due again");
    cr_assert_eq(tier.status.counts.writes_unchanged, 512);
}

Test(share_writes, a_read_does_not_wait_behind_many, .init = tier_start, .fini = tier_finish)
{
    struct tier_query query;

    tier.stores[0].mute = true;
    write_many(512);
    tier_settle();
    cr_assert(tier_try(&query, "192.0.2.1"));
    tier.stores[0].mute = false;
    tier_settle();
    const char *read = strstr(tier.stores[0].protocol, "HSCAN");
    cr_assert_not_null(read);
    *(char *)read = '\0';
    cr_assert_eq(count_lines(tier.stores[0].protocol), 2 * 128);
}

Test(share_writes, those_that_wait_are_dropped_with_the_server, .init = tier_start,
     .fini = tier_finish)
{
    tier.stores[0].mute = true;
    write_many(512);
    tier_settle();
    fake_store_stop(&tier.stores[0].fake);
    tier_settle();
    cr_assert_eq(tier_counts()->writes_error, 128);
    cr_assert_eq(tier.status.counts.writes_dropped, 512 - 128);
    cr_assert_eq(tier.status.written, 0);
}
