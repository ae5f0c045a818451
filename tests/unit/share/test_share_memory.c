/* SPDX-License-Identifier: MIT */
/* The shared tier without memory: it is not made, or nothing is read and written. */
#include "share/share.h"

#include "share_fixture.h"

#include "../../support/c/short_memory.h"

static bool make_share(void)
{
    const struct share_options options = {
        .loop = tier.loop,
        .wall = tier_wall,
        .server = "unix:/nonexistent/a,unix:/nonexistent/b",
        .prefix = "p0f:",
        .max_hosts = 100,
    };
    char error[SHARE_ERROR_SIZE];
    struct share *made = share_new(&options, error);

    cr_assert(made || strcmp(error, "out of memory") == 0, "%s", error);
    if (made)
        share_status(made, &tier.status);
    share_free(made);
    return made;
}

Test(share_memory, is_not_made, .init = tier_open, .fini = tier_finish)
{
    for (int only_once = 0; only_once < 2; only_once++) {
        bool refused = true;
        for (long fail_at = 0; refused; fail_at++) {
            memory_start(fail_at, only_once);
            bool made = make_share();
            refused = memory_stop();
            cr_assert_eq(memory.in_use, 0, "%ld leaked at allocation %ld", memory.in_use, fail_at);
            cr_assert(made || refused);
        }
    }
}

Test(share_memory, nothing_is_read_or_written, .init = tier_start, .fini = tier_finish)
{
    struct p0f_host host = tier_host(0);
    const struct p0f_addr addr = tier_addr("192.0.2.1");
    struct tier_query query = {.query = {.addr = addr, .answer = tier_answer, .ctx = &query}};

    memory_start(0, false);
    bool asked = share_ask(tier.share, &query.query);
    share_write(tier.share, &addr, &host, "web1");
    cr_assert(memory_stop());
    cr_assert_not(asked);
    share_cancel(tier.share, &query.query);
    tier_settle();
    tier_expect(0, "");
    cr_assert_eq(tier_counts()->reads_skipped, 1);
    cr_assert_eq(tier.status.counts.writes_dropped, 1);
    cr_assert_eq(tier_ask("192.0.2.1").result, SHARE_NONE);
    tier_write("192.0.2.1", &host);
    cr_assert_eq(tier_counts()->writes_ok, 1);
}
