/* SPDX-License-Identifier: MIT */
/* What an answer does when there is no memory, and when two threads want the same of it at once. */
#include "lookup/host_record.h"

#include "../../support/c/short_memory.h"

#include <criterion/criterion.h>

static const struct p0f_addr somebody = {.type = 4, .bytes = {192, 0, 2, 1}};
static const struct p0f_host known = {.total_conn = 7, .os_name = "Linux"};
static struct host_record *record;
static const struct host_record_body *others;

static void render_first(void)
{
    others = host_record_body(record, RENDER_RAW);
}

Test(host_record_memory, without_memory_there_is_none)
{
    long fail_at = 0;

    for (;; fail_at++) {
        memory_start(fail_at, true);
        record = host_record_new(&somebody, &known, NULL, false);
        if (!memory_stop())
            break;
        cr_assert_null(record, "allocation %ld", fail_at);
        cr_assert_eq(memory.in_use, 0, "%ld leaked at allocation %ld", memory.in_use, fail_at);
    }
    cr_assert_gt(fail_at, 0);
    cr_assert_not_null(record);
    for (fail_at = 0;; fail_at++) {
        memory_start(fail_at, true);
        const struct host_record_body *body = host_record_body(record, RENDER_RAW);
        if (!memory_stop())
            break;
        cr_assert_null(body, "allocation %ld", fail_at);
        cr_assert_eq(memory.in_use, 0, "%ld leaked at allocation %ld", memory.in_use, fail_at);
    }
    cr_assert_gt(fail_at, 0);
    host_record_unref(record);
}

/* Whoever comes second gives the first one's body out, which may be in use. */
Test(host_record_memory, two_render_at_once)
{
    record = host_record_new(&somebody, &known, NULL, false);
    memory_start(0, true);
    memory.meanwhile = render_first;
    const struct host_record_body *body = host_record_body(record, RENDER_RAW);
    memory_stop();
    cr_assert_not_null(others);
    cr_assert_eq(body, others);
    cr_assert_eq(memory.in_use, 1, "the first one's body only");
    host_record_unref(record);
}
