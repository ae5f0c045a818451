/* SPDX-License-Identifier: MIT */
#include "share/share.h"

#include "share_fixture.h"

/* ---- Reads */

Test(share, a_host_is_found, .init = tier_start, .fini = tier_finish)
{
    tier_add("192.0.2.1", "web2", 10);
    struct tier_query query = tier_ask("192.0.2.1");
    cr_assert_eq(query.result, SHARE_FOUND);
    cr_assert_str_eq(query.found.sensor, "web2");
    cr_assert_str_eq(query.found.host.os_name, "Linux");
    cr_assert_eq(query.found.seen, tier.wall - 10);
    tier_expect(0, "HSCAN p0f:192.0.2.1 0 COUNT 512\n");
    cr_assert_eq(tier_counts()->reads_found, 1);
    cr_assert_eq(tier.status.sensors, 1);
    cr_assert_str_eq(tier.status.sensor[0].name, "web2");
    cr_assert_eq(tier.status.sensor[0].hits, 1);
}

Test(share, the_newest_is_found, .init = tier_start, .fini = tier_finish)
{
    tier_add("2001:db8::1", "web2", 10);
    tier_add("2001:db8::1", "web3", 5);
    tier_add("2001:db8::1", "web4", 7);
    cr_assert_str_eq(tier_ask("2001:db8::1").found.sensor, "web3");
    tier_expect(0, "HSCAN p0f:2001:db8::1 0 COUNT 512\n");
    cr_assert_eq(tier_counts()->fields_invalid, 0);
}

Test(share, connections_are_counted, .init = tier_start, .fini = tier_finish)
{
    cr_assert_eq(share_connections(tier.share), 1);
    fake_store_close(&tier.stores[0].fake);
    tier_settle();
    cr_assert_eq(share_connections(tier.share), 0);
}

Test(share, none_is_found, .init = tier_start, .fini = tier_finish)
{
    tier_add("192.0.2.1", "web2", 10);
    cr_assert_eq(tier_ask("192.0.2.2").result, SHARE_NONE);
    cr_assert_eq(tier_counts()->reads_none, 1);
    cr_assert_eq(tier.status.counts.reads_found, 0);
    cr_assert(tier.status.up);
    cr_assert_not(tier.status.cluster);
    cr_assert_eq(tier.status.nodes, 1);
}

Test(share, the_round_trip_is_measured, .init = tier_start, .fini = tier_finish)
{
    struct tier_query query;

    tier.stores[0].mute = true;
    cr_assert(tier_try(&query, "192.0.2.1"));
    tier_settle();
    tier.stores[0].mute = false;
    tier_pass(20);
    cr_assert_eq(query.answers, 1);
    share_status(tier.share, &tier.status);
    cr_assert_eq(tier.status.round_trip.sum_ns, 20000000);
    cr_assert_eq(tier.status.round_trip.buckets[histogram_bucket(20000000)], 1);
}

Test(share, what_is_late_fails_and_is_dropped, .init = tier_start, .fini = tier_finish)
{
    struct tier_query query;

    tier_add("192.0.2.1", "web2", 10);
    tier.stores[0].mute = true;
    cr_assert(tier_try(&query, "192.0.2.1"));
    tier_pass(49);
    cr_assert_eq(query.answers, 0);
    tier_pass(1);
    cr_assert_eq(query.answers, 1);
    cr_assert_eq(query.result, SHARE_FAILED);
    cr_assert_eq(tier_counts()->reads_timeout, 1);
    cr_assert_eq(tier.status.counts.late, 0);
    tier.stores[0].mute = false;
    tier_settle();
    cr_assert_eq(query.answers, 1);
    cr_assert_eq(tier_counts()->late, 1);
    cr_assert_eq(tier.status.counts.reads_found, 0);
    cr_assert_eq(tier_ask("192.0.2.1").result, SHARE_FOUND);
}

Test(share, each_has_its_own_deadline, .init = tier_start, .fini = tier_finish)
{
    struct tier_query first, second;

    tier.stores[0].mute = true;
    cr_assert(tier_try(&first, "192.0.2.1"));
    tier_pass(30);
    cr_assert(tier_try(&second, "192.0.2.2"));
    tier_pass(20);
    cr_assert_eq(first.answers, 1);
    cr_assert_eq(second.answers, 0);
    tier_pass(30);
    cr_assert_eq(second.answers, 1);
}

Test(share, a_shorter_timeout_is_for_those_that_come, .init = tier_start, .fini = tier_finish)
{
    struct tier_query first, second;

    tier.stores[0].mute = true;
    cr_assert(tier_try(&first, "192.0.2.1"));
    share_set_times(tier.share,
                    &(struct share_times){.ttl = 7200000, .timeout = 10, .write_interval = 30000});
    cr_assert(tier_try(&second, "192.0.2.2"));
    tier_pass(10);
    cr_assert_eq(second.answers, 1);
    cr_assert_eq(first.answers, 0);
    tier_pass(40);
    cr_assert_eq(first.answers, 1);
}

Test(share, nobody_waits_for_a_server_that_hangs, .init = tier_start, .fini = tier_finish)
{
    struct tier_query query;

    tier.stores[0].mute = true;
    for (int i = 0; i < 3; i++) {
        cr_assert(tier_try(&query, "192.0.2.1"));
        tier_pass(50);
        cr_assert_eq(query.result, SHARE_FAILED);
    }
    cr_assert_not(tier_try(&query, "192.0.2.1"));
    cr_assert_eq(tier_counts()->reads_skipped, 1);
    cr_assert_eq(tier.status.counts.breaker_opened, 1);
    cr_assert_not(tier.status.up);
    tier.stores[0].mute = false;
    tier_pass(20000);
    tier_settle();
    cr_assert_eq(tier_ask("192.0.2.1").result, SHARE_NONE);
    cr_assert(tier_counts() && tier.status.up);
}

Test(share, failures_are_counted_in_a_row, .init = tier_start, .fini = tier_finish)
{
    struct tier_query query;

    for (int i = 0; i < 6; i++) {
        tier.stores[0].mute = i % 3 < 2;
        cr_assert(tier_try(&query, "192.0.2.1"));
        tier_settle();
        tier_pass(50);
        cr_assert_eq(query.result, i % 3 < 2 ? SHARE_FAILED : SHARE_NONE);
    }
    cr_assert_eq(tier_counts()->breaker_opened, 0);
}

Test(share, a_longer_timeout_is_for_the_server_too, .init = tier_start, .fini = tier_finish)
{
    struct tier_query query;

    share_set_times(tier.share, &(struct share_times){.ttl = 7200000, .timeout = 200});
    tier.stores[0].mute = true;
    for (int i = 0; i < 3; i++) {
        cr_assert(tier_try(&query, "192.0.2.1"));
        tier_pass(200);
    }
    cr_assert_not(tier_try(&query, "192.0.2.1"));
    tier_pass(100); /* it is tried again */
    tier_pass(100);
    tier.stores[0].mute = false;
    tier_settle();
    cr_assert(tier_try(&query, "192.0.2.1"));
    share_cancel(tier.share, &query.query);
}

Test(share, a_lost_connection_fails_at_once, .init = tier_start, .fini = tier_finish)
{
    struct tier_query query;

    tier.stores[0].mute = true;
    cr_assert(tier_try(&query, "192.0.2.1"));
    tier_settle();
    fake_store_stop(&tier.stores[0].fake);
    tier_settle();
    cr_assert_eq(query.answers, 1);
    cr_assert_eq(query.result, SHARE_FAILED);
    cr_assert_eq(tier_counts()->reads_error, 1);
    cr_assert_not(tier_try(&query, "192.0.2.1"));
}

Test(share, a_cancelled_query_is_not_answered, .init = tier_start, .fini = tier_finish)
{
    struct tier_query gone, late, other;

    tier.stores[0].mute = true;
    cr_assert(tier_try(&gone, "192.0.2.1"));
    cr_assert(tier_try(&late, "192.0.2.3"));
    cr_assert(tier_try(&other, "192.0.2.2"));
    share_cancel(tier.share, &gone.query);
    share_cancel(tier.share, &gone.query);
    memset(&gone, 0, sizeof gone);
    tier.stores[0].mute = false;
    tier_settle();
    cr_assert_eq(gone.answers, 0);
    cr_assert_eq(other.answers, 1);
    tier.stores[0].mute = true;
    cr_assert(tier_try(&late, "192.0.2.3"));
    share_cancel(tier.share, &late.query);
    tier_pass(50);
    cr_assert_eq(late.answers, 0);
    cr_assert_eq(tier_counts()->reads_timeout, 1, "the server is as slow for that");
}

static void ask_next(void *ctx, enum share_result result, const struct share_found *found)
{
    struct tier_query *other = ctx;

    (void)result, (void)found;
    cr_assert(tier_try(other, "192.0.2.2"));
}

Test(share, an_answer_may_ask, .init = tier_start, .fini = tier_finish)
{
    struct tier_query other;
    struct share_query query = {.addr = tier_addr("192.0.2.1"), .answer = ask_next, .ctx = &other};

    cr_assert(share_ask(tier.share, &query));
    tier_settle();
    cr_assert_eq(other.answers, 1);
}

Test(share, free_answers_nobody, .init = tier_start, .fini = tier_finish)
{
    struct tier_query waiting, late;

    tier.stores[0].mute = true;
    cr_assert(tier_try(&late, "192.0.2.1"));
    tier_pass(50);
    cr_assert(tier_try(&waiting, "192.0.2.1"));
    tier_write("192.0.2.3", &(struct p0f_host){.dialect = P0F_DIALECT_P0F3, .last_seen = 1});
    share_free(tier.share);
    tier.share = NULL;
    cr_assert_eq(waiting.answers, 0);
    cr_assert_eq(late.answers, 1);
}

/* ---- Replies */

static void expect_reply(const char *reply, enum share_result result)
{
    struct tier_query query;

    tier.stores[0].on_read = reply;
    for (int i = 0; i < 100 && !tier_try(&query, "192.0.2.1"); i++)
        tier_pass(10000); /* the breaker was opened by those before */
    tier_settle();
    cr_assert_eq(query.answers, 1, "%s", reply);
    cr_assert_eq(query.result, result, "%s", reply);
}

Test(share, malformed_replies_are_failures, .init = tier_start, .fini = tier_finish)
{
    static const char *const replies[] = {
        "+OK\r\n",
        ":1\r\n",
        "$-1\r\n",
        "*-1\r\n",
        "$3\r\nabc\r\n",
        "*0\r\n",
        "*1\r\n$1\r\n0\r\n",
        "*2\r\n$1\r\n0\r\n*-1\r\n",
        "*2\r\n$1\r\n0\r\n$-1\r\n",
        "*2\r\n$1\r\n0\r\n:7\r\n",
        "*2\r\n:0\r\n*0\r\n",
        "*2\r\n*0\r\n*0\r\n",
        "*2\r\n$-1\r\n*0\r\n",
        "*2\r\n$1\r\n0\r\n*1\r\n$1\r\na\r\n",
        "*3\r\n$1\r\n0\r\n*0\r\n*0\r\n",
        "-ERR unknown command\r\n",
        "-LOADING Redis is loading the dataset in memory\r\n",
        "-MASTERDOWN Link with MASTER is down\r\n",
        "-CLUSTERDOWN The cluster is down\r\n",
        "-NOPERM this user has no permissions\r\n",
        "-TRYAGAIN Multiple keys\r\n",
        "-\r\n",
        "-MOVED x\r\n",
    };
    const size_t count = sizeof replies / sizeof *replies;

    for (size_t i = 0; i < count; i++)
        expect_reply(replies[i], SHARE_FAILED);
    cr_assert_eq(tier_counts()->reads_error, count);
    cr_assert_gt(tier.status.counts.breaker_opened, 0);
    expect_reply("*2\r\n$1\r\n0\r\n*0\r\n", SHARE_NONE);
}

Test(share, invalid_fields_are_ignored, .init = tier_start, .fini = tier_finish)
{
    static const char *const replies[] = {
        "*2\r\n$1\r\n0\r\n*2\r\n$4\r\nweb2\r\n$4\r\njunk\r\n",
        "*2\r\n$1\r\n0\r\n*2\r\n$4\r\nweb2\r\n$0\r\n\r\n",
        "*2\r\n$1\r\n0\r\n*2\r\n$4\r\nweb2\r\n:1\r\n",
        "*2\r\n$1\r\n0\r\n*2\r\n:1\r\n$2\r\n{}\r\n",
        "*2\r\n$1\r\n0\r\n*2\r\n$-1\r\n$-1\r\n",
        "*2\r\n$1\r\n0\r\n*2\r\n*1\r\n:1\r\n*1\r\n*1\r\n:1\r\n",
        "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n",
    };
    const size_t count = sizeof replies / sizeof *replies;

    for (size_t i = 0; i < count; i++)
        expect_reply(replies[i], SHARE_NONE);
    cr_assert_eq(tier_counts()->fields_invalid, count);
    cr_assert_eq(tier.status.counts.reads_none, count);
    cr_assert_eq(tier.status.counts.breaker_opened, 0);
}

Test(share, more_fields_than_are_read_are_counted, .init = tier_start, .fini = tier_finish)
{
    expect_reply("*2\r\n$2\r\n10\r\n*0\r\n", SHARE_NONE);
    expect_reply("*2\r\n$1\r\n8\r\n*0\r\n", SHARE_NONE);
    expect_reply("*2\r\n$0\r\n\r\n*0\r\n", SHARE_NONE);
    cr_assert_eq(tier_counts()->fields_cut, 3);
}

Test(share, what_is_about_one_key_says_nothing_about_the_server, .init = tier_start,
     .fini = tier_finish)
{
    for (int i = 0; i < 5; i++) {
        expect_reply("-CLUSTERDOWN Hash slot not served\r\n", SHARE_FAILED);
        expect_reply("-MOVED 1 127.0.0.1:1\r\n", SHARE_FAILED); /* not in a cluster */
        expect_reply("-ASK 1 127.0.0.1:1\r\n", SHARE_FAILED);
    }
    cr_assert_eq(tier_counts()->breaker_opened, 0);
}

/* ---- Settings */

static void expect_refused(const char *server, const char *prefix, const char *what)
{
    const struct share_options options = {
        .loop = tier.loop, .wall = tier_wall, .server = server, .prefix = prefix, .max_hosts = 10};
    char error[SHARE_ERROR_SIZE] = "";

    cr_assert_null(share_new(&options, error), "%s", server);
    cr_assert_not_null(strstr(error, what), "%s", error);
    cr_assert_null(strstr(error, "secret"), "%s", error);
}

Test(share, settings_that_cannot_be, .init = tier_open, .fini = tier_finish)
{
    char long_prefix[SHARE_PREFIX_MAX + 2], many[(SHARE_NODES_MAX + 1) * 20] = "";

    expect_refused("redis://u:secret@127.0.0.1:x", "p0f:", "");
    expect_refused("redis://127.0.0.1:1/1,redis://127.0.0.1:2/1", "p0f:", "database 1");
    memset(long_prefix, 'a', sizeof long_prefix - 1);
    long_prefix[sizeof long_prefix - 1] = '\0';
    expect_refused("redis://127.0.0.1:1", long_prefix, "128 bytes");
    for (int i = 0; i <= SHARE_NODES_MAX; i++)
        strcat(many, i == 0 ? "redis://10.0.0.1" : ",redis://10.0.0.1");
    expect_refused(many, "p0f:", "64 servers");
}
