/* SPDX-License-Identifier: MIT */
#include "p0f/pool_fault.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

static struct pool_status pool;
static char reason[POOL_FAULT_SIZE];

static void open_pool(uint32_t connections)
{
    memset(&pool, 0, sizeof pool);
    pool.socket = "/run/x";
    pool.wanted = P0F_DIALECT_MTU;
    pool.connections = connections;
    memset(reason, 'x', sizeof reason);
}

static void expect(enum pool_fault fault, const char *expected)
{
    cr_assert_eq(pool_fault_find(&pool, reason), fault);
    cr_assert_str_eq(reason, expected, "%s", reason);
}

Test(pool_fault, none_when_one_is_ready)
{
    open_pool(2);
    pool.up = true;
    pool.links[0].fault = (struct link_fault){.error = P0F_UNREACHABLE, .cause = ENOENT};
    pool.links[1].state = LINK_READY;
    expect(POOL_FAULT_NONE, "");
}

Test(pool_fault, hung)
{
    open_pool(2);
    pool.links[0].silent = true;
    pool.links[1].state = LINK_READY;
    pool.overdue = 3999;
    pool.outstanding = 5;
    expect(POOL_FAULT_HUNG, "/run/x: p0f has not answered for 3 s, with 5 queries outstanding: it "
                            "is stopped, or too busy");
}

Test(pool_fault, cannot_connect)
{
    open_pool(1);
    strcpy(pool.unreachable, "nobody at home");
    pool.links[0].fault = (struct link_fault){.error = P0F_UNREACHABLE, .cause = ECONNREFUSED};
    expect(POOL_FAULT_UNREACHABLE, "/run/x: cannot connect to p0f: nobody at home");
    pool.links[0].fault = (struct link_fault){.error = P0F_SYSTEM, .cause = EMFILE};
    expect(POOL_FAULT_UNREACHABLE, "/run/x: cannot connect to p0f: nobody at home");
}

Test(pool_fault, lost)
{
    open_pool(1);
    pool.links[0].fault =
        (struct link_fault){.error = P0F_DISCONNECTED, .dialect = P0F_DIALECT_P0F3};
    expect(POOL_FAULT_LOST,
           "/run/x: connection to p0f lost: p0f closed the connection; reconnecting");
}

Test(pool_fault, wrong_dialect)
{
    open_pool(1);
    pool.links[0].fault =
        (struct link_fault){.error = P0F_WRONG_DIALECT, .dialect = P0F_DIALECT_API2};
    for (pool.links[0].state = LINK_DOWN; pool.links[0].state < LINK_READY; pool.links[0].state++)
        expect(POOL_FAULT_FOREIGN,
               "/run/x: p0f.dialect is mtu, but p0f's answers have 243 bytes (api2), not 234");
}

#define UNANSWERED                                                                                 \
    "/run/x: queries are never answered: another query format (p0f-ng, 3.03b), p0f stopped, or "   \
    "its connection limit (-S) reached"

Test(pool_fault, not_answered)
{
    open_pool(1);
    pool.links[0].state = LINK_PROBING;
    expect(POOL_FAULT_CONNECTING, "/run/x: connected, but p0f has not answered yet");
    pool.links[0].silent = true;
    expect(POOL_FAULT_UNANSWERED, UNANSWERED);
}

Test(pool_fault, the_connection_that_explains_most)
{
    open_pool(4);
    strcpy(pool.unreachable, "full");
    pool.links[0].fault =
        (struct link_fault){.error = P0F_DISCONNECTED, .dialect = P0F_DIALECT_P0F3};
    pool.links[1].fault = (struct link_fault){.error = P0F_UNREACHABLE, .cause = EAGAIN};
    pool.links[2].fault = pool.links[0].fault;
    pool.links[3].fault = (struct link_fault){.error = P0F_DISCONNECTED};
    expect(POOL_FAULT_FOREIGN, "/run/x: connection closed without an answer: p0f has ended, or it "
                               "is not p0f that listens there");
    pool.links[3].fault.dialect = P0F_DIALECT_P0F3;
    expect(POOL_FAULT_UNREACHABLE, "/run/x: cannot connect to p0f: full");
    pool.links[2].state = LINK_PROBING;
    expect(POOL_FAULT_CONNECTING, "/run/x: connected, but p0f has not answered yet");
    pool.links[2].silent = true;
    expect(POOL_FAULT_UNANSWERED, UNANSWERED);
}

static void expect_text(struct link_fault fault, const char *expected)
{
    pool_fault_describe(&fault, reason);
    cr_assert_str_eq(reason, expected, "%s", reason);
}

Test(pool_fault, faults_in_words)
{
    expect_text((struct link_fault){0}, "");
    expect_text((struct link_fault){.error = P0F_UNREACHABLE, .cause = ENOENT},
                "cannot connect: No such file or directory");
    expect_text((struct link_fault){.error = P0F_WRONG_DIALECT, .dialect = P0F_DIALECT_P0F3},
                "p0f's answers have 232 bytes (p0f3)");
    expect_text((struct link_fault){.error = P0F_DISCONNECTED, .dialect = P0F_DIALECT_P0F3},
                "p0f closed the connection");
}

/* As it came, eight bytes at most. */
static struct link_fault rejected(enum p0f_dialect dialect, const void *bytes, size_t length)
{
    struct link_fault fault = {.error = P0F_MALFORMED, .dialect = dialect};

    fault.rejected_length = (uint8_t)length;
    memcpy(fault.rejected, bytes, length);
    return fault;
}

Test(pool_fault, what_came)
{
    static const uint32_t p0f2[] = {0x0defaced, 0}, query[] = {P0F_QUERY_MAGIC, 4},
                          wrong_status[] = {P0F_ANSWER_MAGIC, 0x30};
    const enum p0f_dialect no = P0F_DIALECT_AUTO, yes = P0F_DIALECT_P0F3;

    expect_text(rejected(no, p0f2, 8), "not p0f v3's API (answer begins 0x0defaced); p0f 2?");
    expect_text(rejected(no, query, 8), "not p0f v3's API (answer begins 0x50304601)");
    expect_text(rejected(no, "HTTP/1.1", 8), "not p0f v3's API (answer begins \"HTTP/1.1\")");
    expect_text(rejected(no, "220 \r\n", 6), "not p0f v3's API (answer begins \"220 \")");
    expect_text(rejected(no, "\nOK\n", 4), "not p0f v3's API (answer begins 0x0a4b4f0a)");
    expect_text(rejected(yes, query, 8),
                "p0f returned a malformed response (answer begins 0x50304601)");
    expect_text(rejected(yes, wrong_status, 8),
                "p0f returned a malformed response (a wrong status, "
                "or an answer without a query)");
    expect_text(rejected(yes, "x", 1), "p0f returned a malformed response");
}

/* Of whatever dialects there are. */
Test(pool_fault, an_unknown_layout)
{
    static const uint32_t begin[] = {P0F_ANSWER_MAGIC, P0F_STATUS_NOMATCH};
    const char *known = "an answer of none of 232, 234, 236, 243";
    struct link_fault fault = rejected(P0F_DIALECT_AUTO, begin, 8);

    pool_fault_describe(&fault, reason);
    cr_assert_eq(strncmp(reason, known, strlen(known)), 0, "%s", reason);
    cr_assert_not_null(strstr(reason, " bytes: a p0f build that is not supported"), "%s", reason);
    size_t sizes = 0;
    for (const char *at = reason; (at = strstr(at, ", ")); at++)
        sizes++;
    cr_assert_gt(p0f_answer_size((enum p0f_dialect)(sizes + 1)), 0, "%s", reason);
    cr_assert_eq(p0f_answer_size((enum p0f_dialect)(sizes + 2)), 0, "%s", reason);
}

Test(pool_fault, one_of_several)
{
    struct link_fault fault = rejected(P0F_DIALECT_P0F3, "x", 1);

    open_pool(3);
    pool.up = true;
    pool_fault_dropped(&pool, &fault, reason);
    cr_assert_str_eq(reason, "/run/x: p0f returned a malformed response; dropping the connection");
    pool.links[0].state = pool.links[2].state = LINK_READY;
    pool_fault_unserved(&pool, reason);
    cr_assert_str_eq(reason, "/run/x: p0f answers on 2 of 3 connections only: its connection limit "
                             "(-S) is reached");
}

/* No path, and nothing that is found there, is too long. */
Test(pool_fault, the_longest)
{
    char path[108];

    open_pool(1);
    memset(path, 'p', sizeof path - 1);
    path[107] = '\0';
    pool.socket = path;
    memset(pool.unreachable, 'u', sizeof pool.unreachable - 1);
    pool.links[0].fault = (struct link_fault){.error = P0F_UNREACHABLE, .cause = ENOENT};
    pool_fault_find(&pool, reason);
    cr_assert_eq(strlen(reason),
                 107 + strlen(": cannot connect to p0f: ") + SOCKET_FILE_REASON_SIZE - 1);
}
