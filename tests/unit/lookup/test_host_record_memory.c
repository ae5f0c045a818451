/* What an answer does when there is no memory, and when two threads want the same of it at once. */
#include "lookup/host_record.h"

#include "../../support/short_memory.h"

#include <criterion/criterion.h>

static const struct p0f_addr somebody = {.type = 4, .bytes = {192, 0, 2, 1}};
static const struct p0f_host known = {.total_conn = 7, .os_name = "Linux"};
static struct answer *answer;
static const struct answer_body *others;

static void render_first(void)
{
    others = answer_body(answer, RENDER_RAW);
}

Test(answer_memory, without_memory_there_is_none)
{
    long fail_at = 0;

    for (;; fail_at++) {
        memory_start(fail_at, true);
        answer = answer_new(&somebody, &known);
        if (!memory_stop())
            break;
        cr_assert_null(answer, "allocation %ld", fail_at);
        cr_assert_eq(memory.in_use, 0, "%ld leaked at allocation %ld", memory.in_use, fail_at);
    }
    cr_assert_gt(fail_at, 0);
    cr_assert_not_null(answer);
    for (fail_at = 0;; fail_at++) {
        memory_start(fail_at, true);
        const struct answer_body *body = answer_body(answer, RENDER_RAW);
        if (!memory_stop())
            break;
        cr_assert_null(body, "allocation %ld", fail_at);
        cr_assert_eq(memory.in_use, 0, "%ld leaked at allocation %ld", memory.in_use, fail_at);
    }
    cr_assert_gt(fail_at, 0);
    answer_unref(answer);
}

/* Whoever comes second gives the first one's body out, which may be in use. */
Test(answer_memory, two_render_at_once)
{
    answer = answer_new(&somebody, &known);
    memory_start(0, true);
    memory.meanwhile = render_first;
    const struct answer_body *body = answer_body(answer, RENDER_RAW);
    memory_stop();
    cr_assert_not_null(others);
    cr_assert_eq(body, others);
    cr_assert_eq(memory.in_use, 1, "the first one's body only");
    answer_unref(answer);
}
