/* SPDX-License-Identifier: MIT */
/* What only just fits, or just does not. */
#include "../../support/c/requester.h"
#include "p0fclient.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <sys/un.h>

/* Of the kernel's 108 bytes for a path the last is the NUL. */
Test(conn_edges, the_longest_path)
{
    char path[sizeof(struct sockaddr_un)] = "/nowhere/";

    memset(path + 9, 'x', 98);
    cr_assert_eq(strlen(path), 107);
    cr_assert_eq(p0f_conn_open(path, P0F_DIALECT_AUTO, 1, &conn), P0F_UNREACHABLE);
    cr_assert_eq(errno, ENOENT);
    path[107] = 'x';
    cr_assert_eq(p0f_conn_open(path, P0F_DIALECT_AUTO, 1, &conn), P0F_UNREACHABLE);
    cr_assert_eq(errno, ENAMETOOLONG);
}

enum { ALL = 70 }; /* as many answers as one call receives */

static struct requester requesters[ALL];

/* Asks all, and has p0f answer all at once; the first byte is changed by `spoil`. */
static void answer_all_at_once(uint8_t spoil)
{
    static uint8_t bytes[ALL * P0F_ANSWER_MAX];
    size_t length = 0;

    memset(requesters, 0, sizeof requesters);
    open_served(ALL);
    for (unsigned i = 0; i < ALL; i++)
        cr_assert_eq(ask(&requesters[i]), P0F_OK);
    struct requester refused = {0};
    cr_assert_eq(ask(&refused), P0F_FULL);
    p0f_conn_io(conn);
    cr_assert(stand_in_skip(&p0f, ALL));
    for (uint32_t i = 0; i < ALL; i++)
        length += stand_in_pack(bytes + length, P0F_DIALECT_P0F3, P0F_STATUS_OK, i + 1);
    bytes[0] ^= spoil;
    cr_assert(stand_in_write(&p0f, bytes, length));
}

Test(conn_edges, all_answers_of_a_full_pipeline_at_once, .init = start, .fini = stop)
{
    answer_all_at_once(0);
    cr_assert_eq(p0f_conn_io(conn), P0F_OK);
    for (uint32_t i = 0; i < ALL; i++)
        assert_told(&requesters[i], P0F_OK, i + 1);
    cr_assert_eq(p0f_conn_pending(conn), 0);
    close_after_hang_up();
}

Test(conn_edges, all_that_is_owed_on_a_broken_stream_at_once, .init = start, .fini = stop)
{
    answer_all_at_once(1);
    cr_assert_eq(p0f_conn_io(conn), P0F_MALFORMED);
    cr_assert_eq(p0f_conn_outstanding(conn), 0);
    assert_told(&requesters[0], P0F_MALFORMED, 0);
    for (unsigned i = 1; i < ALL; i++)
        assert_told(&requesters[i], P0F_LOST, 0);
    close_conn();
}

static void expect_rejected(const void *bytes, size_t length)
{
    size_t told = 99;
    const uint8_t *rejected = p0f_conn_rejected(conn, &told);

    cr_assert_eq(told, length);
    cr_assert_eq(memcmp(rejected, bytes, length), 0);
}

/* That of p0f 2, say: told as it came, also when it is not the first answer. */
Test(conn_edges, how_the_rejected_answer_begins, .init = start, .fini = stop)
{
    static const uint8_t foreign[60] = {0xce, 0xfa, 0xed, 0x0d, 1, 2, 3, 4, 5};
    struct requester told = {0};

    open_served(1);
    expect_rejected(foreign, 0);
    cr_assert_eq(ask(&told), P0F_OK);
    p0f_conn_io(conn);
    cr_assert(stand_in_skip(&p0f, 1));
    cr_assert(stand_in_write(&p0f, foreign, sizeof foreign));
    cr_assert_eq(p0f_conn_io(conn), P0F_MALFORMED);
    expect_rejected(foreign, P0F_REJECTED_MAX);
    cr_assert(stand_in_write(&p0f, foreign + 4, 4));
    p0f_conn_io(conn);
    expect_rejected(foreign, P0F_REJECTED_MAX);
    close_after_hang_up();
}
