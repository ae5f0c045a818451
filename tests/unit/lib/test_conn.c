/* SPDX-License-Identifier: MIT */
/* One pipelined connection; the test plays p0f at the other end. */
#include "../../support/c/requester.h"
#include "p0fclient.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define EACH_DIALECT(d)                                                                            \
    enum p0f_dialect d = P0F_DIALECT_P0F3;                                                         \
    d <= P0F_DIALECT_SIG;                                                                          \
    d++

Test(conn, begins_with_two_probes, .init = start, .fini = stop)
{
    static const struct p0f_addr nobody = {.type = 4};
    struct p0f_addr addr;

    open_conn(P0F_DIALECT_AUTO, 1);
    cr_assert(p0f_conn_wants_write(conn));
    cr_assert(p0f_conn_fd(conn) >= 0);
    cr_assert_eq(p0f_conn_flush(conn), P0F_OK);
    cr_assert_not(p0f_conn_wants_write(conn));
    for (int i = 0; i < 2; i++) {
        cr_assert(stand_in_read(&p0f, &addr));
        cr_assert_arr_eq(&addr, &nobody, sizeof addr);
    }
    cr_assert_eq(p0f_conn_outstanding(conn), 2);
    cr_assert_eq(p0f_conn_pending(conn), 0);
    cr_assert_eq(p0f_conn_dialect(conn), P0F_DIALECT_AUTO);
    close_after_hang_up();
}

/* Two probes and two queries, the answers split in two at every byte. */
static void answers_split_at(enum p0f_dialect dialect, const uint8_t *bytes, size_t split)
{
    size_t size = p0f_answer_size(dialect);
    struct requester a = {0}, b = {0};

    open_conn(P0F_DIALECT_AUTO, 2);
    cr_assert_eq(ask(&a), P0F_OK);
    cr_assert_eq(ask(&b), P0F_OK);
    p0f_conn_io(conn);
    cr_assert(stand_in_skip(&p0f, 4));
    cr_assert(stand_in_write(&p0f, bytes, split));
    cr_assert_eq(p0f_conn_io(conn), P0F_OK);
    cr_assert_eq(a.calls, split >= 3 * size, "split at %zu", split);
    cr_assert(stand_in_sees_open(&p0f));
    cr_assert_not(p0f_conn_free(conn), "freed with an answer outstanding");
    cr_assert(stand_in_write(&p0f, bytes + split, 4 * size - split));
    cr_assert_eq(p0f_conn_io(conn), P0F_OK);
    cr_assert_eq(p0f_conn_dialect(conn), dialect);
    assert_told(&a, P0F_OK, 1);
    assert_told(&b, P0F_OK, 2);
    close_conn();
}

Test(conn, answers_cut_anywhere, .init = start, .fini = stop)
{
    for (EACH_DIALECT(d)) {
        uint8_t bytes[4 * P0F_ANSWER_MAX];
        size_t length = 0;

        for (uint32_t i = 0; i < 4; i++)
            length += stand_in_pack(bytes + length, d, i < 2 ? P0F_STATUS_NOMATCH : P0F_STATUS_OK,
                                    i < 2 ? 0 : i - 1);
        for (size_t split = 0; split < length; split++)
            answers_split_at(d, bytes, split);
    }
}

/* A small send buffer makes p0f_conn_io write in parts. */
Test(conn, queries_written_in_parts, .init = start, .fini = stop)
{
    struct requester requester = {0};
    struct p0f_addr addr = somebody, got;
    bool waited = false;
    int smallest = 1;

    open_conn(P0F_DIALECT_AUTO, 1024);
    setsockopt(p0f_conn_fd(conn), SOL_SOCKET, SO_SNDBUF, &smallest, sizeof smallest);
    for (unsigned i = 0; i < 1024; i++) {
        memcpy(addr.bytes, &i, 4);
        cr_assert_eq(p0f_conn_ask(conn, &addr, on_answer, &requester), P0F_OK);
    }
    cr_assert_eq(ask(&requester), P0F_FULL);
    for (unsigned i = 0; i < 1026; i++) {
        cr_assert_eq(p0f_conn_flush(conn), P0F_OK);
        waited = waited || p0f_conn_wants_write(conn);
        cr_assert(stand_in_read(&p0f, &got));
        memcpy(addr.bytes, &(unsigned){i < 2 ? 0 : i - 2}, 4);
        cr_assert_arr_eq(&got, &addr, sizeof got, "query %u", i);
    }
    cr_assert(waited, "the send buffer was never full");
    cr_assert_eq(p0f_conn_outstanding(conn), 1026);
    close_after_hang_up();
    cr_assert_eq(requester.calls, 1024);
}

Test(conn, first_asked_first_told, .init = start, .fini = stop)
{
    struct requester requesters[300] = {0};

    open_served(7); /* so that the ring wraps */
    for (unsigned next = 0, told = 0; told < 300;) {
        while (next < 300 && ask(&requesters[next]) == P0F_OK)
            next++;
        cr_assert_eq(p0f_conn_pending(conn), next - told);
        p0f_conn_io(conn);
        for (unsigned batch = told % 7 + 1; batch > 0 && told < next; batch--) {
            cr_assert(stand_in_skip(&p0f, 1));
            cr_assert(stand_in_answer(&p0f, P0F_STATUS_OK, ++told));
        }
        cr_assert_eq(p0f_conn_io(conn), P0F_OK);
    }
    for (unsigned i = 0; i < 300; i++) {
        assert_told(&requesters[i], P0F_OK, i + 1);
        cr_assert_eq(requesters[i].turn, i + 1);
    }
    close_conn();
}

/* A query whose address holds its number. */
static enum p0f_error ask_numbered(struct requester *requester, uint32_t number)
{
    struct p0f_addr addr = {.type = 4};

    memcpy(addr.bytes, &number, sizeof number);
    return p0f_conn_ask(conn, &addr, on_answer, requester);
}

/* p0f takes one query at a time, and more wait than the kernel holds. */
Test(conn, first_asked_first_told_by_a_slow_p0f, .init = start, .fini = stop)
{
    enum { PIPELINE = 1024, ALL = 3 * PIPELINE };
    static struct requester requesters[ALL];
    const int min = 1;
    struct p0f_addr addr;
    uint32_t next = 0, number;
    bool waited = false;

    open_served(PIPELINE);
    cr_assert_eq(setsockopt(p0f_conn_fd(conn), SOL_SOCKET, SO_SNDBUF, &min, sizeof min), 0);
    for (uint32_t told = 0; told < ALL; told++) {
        for (; next < ALL && ask_numbered(&requesters[next], next) == P0F_OK; next++)
            p0f_conn_flush(conn);
        waited = waited || p0f_conn_wants_write(conn);
        cr_assert(stand_in_read(&p0f, &addr));
        memcpy(&number, addr.bytes, sizeof number);
        cr_assert_eq(number, told);
        cr_assert(stand_in_answer(&p0f, P0F_STATUS_OK, told + 1));
        cr_assert_eq(p0f_conn_io(conn), P0F_OK);
        assert_told(&requesters[told], P0F_OK, told + 1);
    }
    cr_assert(waited);
    close_conn();
}

Test(conn, each_status_is_told, .init = start, .fini = stop)
{
    struct requester a = {0}, b = {0}, c = {0};

    open_served(3);
    cr_assert(ask(&a) == P0F_OK && ask(&b) == P0F_OK && ask(&c) == P0F_OK);
    p0f_conn_io(conn);
    cr_assert(stand_in_skip(&p0f, 3));
    cr_assert(stand_in_answer(&p0f, P0F_STATUS_NOMATCH, 1));
    cr_assert(stand_in_answer(&p0f, P0F_STATUS_BADQUERY, 2));
    cr_assert(stand_in_answer(&p0f, P0F_STATUS_OK, 3));
    p0f_conn_io(conn);
    assert_told(&a, P0F_NO_MATCH, 0);
    assert_told(&b, P0F_BAD_QUERY, 0);
    assert_told(&c, P0F_OK, 3);
    close_conn();
}

Test(conn, each_is_told_once_at_hang_up, .init = start, .fini = stop)
{
    struct requester a = {0}, sent = {0}, late = {0};

    open_served(2);
    cr_assert(ask(&a) == P0F_OK && ask(&sent) == P0F_OK);
    p0f_conn_io(conn);
    cr_assert(stand_in_skip(&p0f, 2));
    cr_assert(stand_in_answer(&p0f, P0F_STATUS_OK, 1));
    stand_in_hang_up(&p0f);
    p0f_conn_io(conn); /* what came before the hang-up, and perhaps that */
    cr_assert_eq(p0f_conn_io(conn), P0F_DISCONNECTED);
    cr_assert_eq(p0f_conn_io(conn), P0F_DISCONNECTED);
    cr_assert_eq(ask(&late), P0F_DISCONNECTED);
    assert_told(&a, P0F_OK, 1);
    assert_told(&sent, P0F_DISCONNECTED, 0);
    cr_assert(p0f_conn_hung_up(conn) && p0f_conn_outstanding(conn) == 0 &&
              p0f_conn_pending(conn) == 0);
    cr_assert(p0f_conn_free(conn));
    cr_assert_eq(late.calls, 0);
}

Test(conn, full_and_retired, .init = start, .fini = stop)
{
    struct requester a = {0}, refused = {0};

    open_served(1);
    cr_assert_eq(ask(&a), P0F_OK);
    cr_assert_eq(ask(&refused), P0F_FULL);
    p0f_conn_io(conn);
    p0f_conn_retire(conn);
    cr_assert_eq(ask(&refused), P0F_RETIRED);
    cr_assert_not(p0f_conn_free(conn));
    cr_assert(stand_in_skip(&p0f, 1));
    cr_assert(stand_in_sees_open(&p0f), "half-closed");
    cr_assert(stand_in_answer(&p0f, P0F_STATUS_OK, 5));
    cr_assert_eq(p0f_conn_io(conn), P0F_OK);
    assert_told(&a, P0F_OK, 5);
    cr_assert_eq(refused.calls, 0);
    close_conn();
}

Test(conn, free_tells_what_was_never_sent, .init = start, .fini = stop)
{
    struct requester a = {0};

    open_served(1);
    cr_assert_eq(ask(&a), P0F_OK);
    cr_assert_eq(p0f_conn_pending(conn), 1);
    close_conn();
    assert_told(&a, P0F_DISCONNECTED, 0);
    cr_assert(p0f_conn_free(NULL));
}

/* Outstanding answers are read and discarded before anything is closed. */
static void assert_malformed(size_t wrong)
{
    uint8_t bytes[2 * P0F_ANSWER_MAX];
    struct requester a = {0}, b = {0};

    open_served(2);
    cr_assert(ask(&a) == P0F_OK && ask(&b) == P0F_OK);
    p0f_conn_io(conn);
    cr_assert(stand_in_skip(&p0f, 2));
    size_t size = stand_in_pack(bytes, P0F_DIALECT_P0F3, P0F_STATUS_OK, 1);
    bytes[wrong] ^= 1;
    cr_assert(stand_in_write(&p0f, bytes, size));
    cr_assert_eq(p0f_conn_io(conn), P0F_MALFORMED);
    assert_told(&a, P0F_MALFORMED, 0);
    assert_told(&b, P0F_LOST, 0);
    cr_assert_lt(b.turn, a.turn, "who is to blame is told last");
    cr_assert_eq(p0f_conn_outstanding(conn), 1);
    cr_assert_not(p0f_conn_free(conn));
    cr_assert(stand_in_sees_open(&p0f));
    cr_assert(stand_in_answer(&p0f, P0F_STATUS_OK, 2));
    cr_assert_eq(p0f_conn_io(conn), P0F_MALFORMED);
    close_conn();
}

Test(conn, malformed_magic_or_status, .init = start, .fini = stop)
{
    for (size_t wrong = 0; wrong < 8; wrong++)
        assert_malformed(wrong);
}

Test(conn, bytes_nobody_asked_for, .init = start, .fini = stop)
{
    open_served(1);
    cr_assert(stand_in_write(&p0f, "x", 1));
    cr_assert_eq(p0f_conn_io(conn), P0F_MALFORMED);
    close_conn();
}

/* Whatever else arrives, an answer is outstanding until its magic has. */
Test(conn, too_many_bytes, .init = start, .fini = stop)
{
    uint8_t bytes[P0F_ANSWER_MAX + 300] = {0};
    struct requester requesters[3] = {0};

    open_served(3);
    for (unsigned i = 0; i < 3; i++)
        cr_assert_eq(ask(&requesters[i]), P0F_OK);
    p0f_conn_io(conn);
    cr_assert(stand_in_skip(&p0f, 3));
    for (unsigned answered = 1; answered <= 3; answered++) {
        cr_assert_gt(p0f_conn_outstanding(conn), 0);
        cr_assert_not(p0f_conn_free(conn));
        size_t size = stand_in_pack(bytes, P0F_DIALECT_P0F3, P0F_STATUS_OK, 1);
        cr_assert(stand_in_write(&p0f, bytes, size + 200));
        cr_assert_eq(p0f_conn_io(conn), P0F_MALFORMED);
    }
    close_conn();
}

/* After bytes that are no answer, the two parts of a magic must not be taken for more of them: that
 * would be as long as an answer too early. */
Test(conn, malformed_and_then_a_magic_in_two_parts, .init = start, .fini = stop)
{
    uint8_t bytes[P0F_ANSWER_MAX], garbage[400] = {0};
    struct requester a = {0}, b = {0};

    open_served(2);
    cr_assert(ask(&a) == P0F_OK && ask(&b) == P0F_OK);
    p0f_conn_io(conn);
    cr_assert(stand_in_skip(&p0f, 2));
    size_t size = stand_in_pack(bytes, P0F_DIALECT_P0F3, P0F_STATUS_OK, 1);
    cr_assert(stand_in_write(&p0f, garbage, sizeof garbage));
    cr_assert(stand_in_write(&p0f, bytes, 2));
    cr_assert_eq(p0f_conn_io(conn), P0F_MALFORMED);
    cr_assert_eq(p0f_conn_outstanding(conn), 1);
    cr_assert(stand_in_write(&p0f, bytes + 2, size - 3));
    p0f_conn_io(conn);
    cr_assert_eq(p0f_conn_outstanding(conn), 1);
    cr_assert(stand_in_write(&p0f, bytes + size - 1, 1));
    p0f_conn_io(conn);
    close_conn();
}

/* However long they are, the connection is not closed before the second has begun. */
Test(conn, unknown_dialect_with_long_answers, .init = start, .fini = stop)
{
    static const size_t sizes[] = {233, 300, 500, 747, 748, 1000, 3000};

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        uint8_t bytes[3000] = {0};

        open_conn(P0F_DIALECT_AUTO, 1);
        p0f_conn_io(conn);
        cr_assert(stand_in_skip(&p0f, 2));
        stand_in_pack(bytes, P0F_DIALECT_P0F3, P0F_STATUS_NOMATCH, 0);
        cr_assert(stand_in_write(&p0f, bytes, sizes[i]));
        cr_assert_eq(p0f_conn_io(conn), sizes[i] < 748 ? P0F_OK : P0F_MALFORMED);
        cr_assert_geq(p0f_conn_outstanding(conn), 1, "%zu bytes", sizes[i]);
        cr_assert_not(p0f_conn_free(conn));
        cr_assert(stand_in_write(&p0f, bytes, sizes[i]));
        cr_assert_eq(p0f_conn_io(conn), P0F_MALFORMED);
        close_conn();
    }
}

Test(conn, wrong_dialect, .init = start, .fini = stop)
{
    uint8_t bytes[3 * P0F_ANSWER_MAX];
    struct requester a = {0};
    size_t length = 0;

    open_conn(P0F_DIALECT_P0F3, 1);
    cr_assert_eq(ask(&a), P0F_OK);
    p0f_conn_io(conn);
    cr_assert(stand_in_skip(&p0f, 3));
    while (length < 3 * p0f_answer_size(P0F_DIALECT_MSS))
        length += stand_in_pack(bytes + length, P0F_DIALECT_MSS, P0F_STATUS_OK, 1);
    cr_assert(stand_in_write(&p0f, bytes, length / 3 + 4));
    cr_assert_eq(p0f_conn_io(conn), P0F_WRONG_DIALECT);
    assert_told(&a, P0F_WRONG_DIALECT, 0);
    cr_assert_not(p0f_conn_free(conn));
    cr_assert(stand_in_write(&p0f, bytes + length / 3 + 4, length - length / 3 - 4));
    p0f_conn_io(conn);
    close_conn();
}

Test(conn, ask_inside_a_callback, .init = start, .fini = stop)
{
    struct requester c = {0}, b = {.more = &c}, a = {.more = &b};

    open_served(1);
    a.ask_more = b.ask_more = conn;
    cr_assert_eq(ask(&a), P0F_OK);
    p0f_conn_io(conn);
    for (uint32_t i = 1; i <= 2; i++) {
        cr_assert(stand_in_skip(&p0f, 1));
        cr_assert(stand_in_answer(&p0f, P0F_STATUS_OK, i));
        cr_assert_eq(p0f_conn_io(conn), P0F_OK);
    }
    assert_told(&a, P0F_OK, 1);
    assert_told(&b, P0F_OK, 2);
    cr_assert(stand_in_skip(&p0f, 1), "the last was not sent in the same call");
    close_after_hang_up();
    assert_told(&c, P0F_DISCONNECTED, 0);
}

Test(conn, cannot_be_opened)
{
    struct rlimit files, none;
    char path[200];

    memset(path, 'x', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    cr_assert_eq(p0f_conn_open("/nowhere/sock", P0F_DIALECT_AUTO, 1, &conn), P0F_UNREACHABLE);
    cr_assert_eq(errno, ENOENT);
    cr_assert_eq(p0f_conn_open(path, P0F_DIALECT_AUTO, 1, &conn), P0F_UNREACHABLE);
    cr_assert_eq(errno, ENAMETOOLONG);
    cr_assert_eq(p0f_conn_open("", P0F_DIALECT_AUTO, 1, &conn), P0F_UNREACHABLE);
    cr_assert_eq(errno, ENOENT);
    getrlimit(RLIMIT_NOFILE, &files);
    none = (struct rlimit){.rlim_cur = 0, .rlim_max = files.rlim_max};
    setrlimit(RLIMIT_NOFILE, &none);
    enum p0f_error error = p0f_conn_open("/nowhere/sock", P0F_DIALECT_AUTO, 1, &conn);
    int cause = errno;
    setrlimit(RLIMIT_NOFILE, &files);
    cr_assert(error == P0F_SYSTEM && cause == EMFILE);
}

Test(conn, invalid_arguments, .init = start, .fini = stop)
{
    static const struct p0f_addr neither = {.type = 5};
    const char *path = p0f.socket.path;
    struct requester a = {0};

    for (unsigned bad = 0; bad <= 1025; bad += 1025)
        cr_assert_eq(p0f_conn_open(path, P0F_DIALECT_AUTO, bad, &conn), P0F_INVALID);
    for (int bad = -1; bad <= P0F_DIALECT_SIG + 1; bad += P0F_DIALECT_SIG + 2)
        cr_assert_eq(p0f_conn_open(path, (enum p0f_dialect)bad, 1, &conn), P0F_INVALID);
    cr_assert_eq(p0f_conn_open(NULL, P0F_DIALECT_AUTO, 1, &conn), P0F_INVALID);
    cr_assert_eq(p0f_conn_open(path, P0F_DIALECT_AUTO, 1, NULL), P0F_INVALID);
    cr_assert_not(stand_in_accept(&p0f), "connected all the same");
    open_served(1);
    cr_assert_eq(p0f_conn_ask(NULL, &somebody, on_answer, &a), P0F_INVALID);
    cr_assert_eq(p0f_conn_ask(conn, NULL, on_answer, &a), P0F_INVALID);
    cr_assert_eq(p0f_conn_ask(conn, &neither, on_answer, &a), P0F_INVALID);
    cr_assert_eq(p0f_conn_ask(conn, &somebody, NULL, &a), P0F_INVALID);
    cr_assert_eq(p0f_conn_pending(conn), 0);
    cr_assert_eq(p0f_conn_io(NULL), P0F_INVALID);
    cr_assert_eq(p0f_conn_flush(NULL), P0F_INVALID);
    cr_assert_eq(p0f_conn_io(conn), P0F_OK);
    close_conn();
}

static void receive_again(void *ctx, enum p0f_error error, const struct p0f_host *host)
{
    unsigned *called = ctx;

    (void)error;
    (void)host;
    *called += 1;
    cr_assert_eq(p0f_conn_io(conn), P0F_INVALID);
}

/* The answers being delivered would be delivered again. */
Test(conn, io_inside_a_callback, .init = start, .fini = stop)
{
    unsigned called = 0;

    open_served(2);
    for (int i = 0; i < 2; i++)
        cr_assert_eq(p0f_conn_ask(conn, &somebody, receive_again, &called), P0F_OK);
    p0f_conn_io(conn);
    cr_assert(stand_in_skip(&p0f, 2));
    for (int i = 0; i < 2; i++)
        cr_assert(stand_in_answer(&p0f, P0F_STATUS_OK, 1));
    cr_assert_eq(p0f_conn_io(conn), P0F_OK);
    cr_assert_eq(called, 2);
    close_conn();
}

/* The second answer comes before the query of the callback has been sent: it cannot be for that. */
Test(conn, answer_before_its_query, .init = start, .fini = stop)
{
    uint8_t bytes[2 * P0F_ANSWER_MAX];
    struct requester b = {0}, a = {.more = &b};
    size_t length = 0;

    open_served(1);
    a.ask_more = conn;
    cr_assert_eq(ask(&a), P0F_OK);
    p0f_conn_io(conn);
    cr_assert(stand_in_skip(&p0f, 1));
    for (uint32_t i = 1; i <= 2; i++)
        length += stand_in_pack(bytes + length, P0F_DIALECT_P0F3, P0F_STATUS_OK, i);
    cr_assert(stand_in_write(&p0f, bytes, length));
    cr_assert_eq(p0f_conn_io(conn), P0F_MALFORMED);
    assert_told(&a, P0F_OK, 1);
    assert_told(&b, P0F_MALFORMED, 0);
    close_conn();
}

/* 41 answers of 243 bytes are as long as 42 of 232 and more. */
Test(conn, owed_in_the_size_of_the_dialect, .init = start, .fini = stop)
{
    uint8_t bytes[P0F_ANSWER_MAX];
    struct requester requesters[40] = {0};

    open_conn(P0F_DIALECT_P0F3, 40);
    for (unsigned i = 0; i < 40; i++)
        cr_assert_eq(ask(&requesters[i]), P0F_OK);
    p0f_conn_io(conn);
    cr_assert(stand_in_skip(&p0f, 42));
    for (unsigned answered = 1; answered <= 42; answered++) {
        size_t size = stand_in_pack(bytes, P0F_DIALECT_API2, P0F_STATUS_OK, 1);
        cr_assert(stand_in_write(&p0f, bytes, size));
        p0f_conn_io(conn);
        if (answered > 1) /* the first alone does not tell its size */
            cr_assert_eq(p0f_conn_outstanding(conn), 42 - answered);
    }
    close_conn();
}

/* Lets p0f write as much as the kernel takes, and receives of it, so many times. */
static void be_flooded(const uint8_t *bytes, size_t size, unsigned times)
{
    int fd = p0f_conn_fd(conn), before, after;

    while (times-- > 0) {
        while (send(p0f.peer, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT) > 0)
            ;
        cr_assert_eq(ioctl(fd, FIONREAD, &before), 0);
        p0f_conn_io(conn);
        cr_assert_eq(ioctl(fd, FIONREAD, &after), 0);
        cr_assert_gt(before, 65536, "the socket holds %d bytes", before);
        cr_assert_lt(after, before);
        cr_assert_leq(before - after, 20480, "%d bytes at one call", before - after);
    }
}

/* However much there is, one call takes a part of it, and the rest can be read. */
Test(conn, what_is_written_without_end, .init = start, .fini = stop)
{
    static uint8_t garbage[65536];
    struct requester a = {0};

    open_served(1);
    cr_assert_eq(ask(&a), P0F_OK);
    p0f_conn_io(conn);
    cr_assert(stand_in_skip(&p0f, 1));
    memset(garbage, 0xff, sizeof garbage);
    be_flooded(garbage, sizeof garbage, 50);
    assert_told(&a, P0F_MALFORMED, 0);
    cr_assert_eq(p0f_conn_outstanding(conn), 0, "as long as many answers");
    cr_assert(p0f_conn_free(conn));
}

/* Of many good answers, too; and in the end all have been told. */
Test(conn, more_answers_than_are_taken_at_once, .init = start, .fini = stop)
{
    enum { ALL = 600, AT_ONCE = 88 }; /* 20 KiB */
    static struct requester requesters[ALL];
    static uint8_t bytes[ALL * P0F_ANSWER_MAX];
    unsigned told = 0, before, calls = 0;
    size_t length = 0;

    open_served(ALL);
    for (unsigned i = 0; i < ALL; i++)
        cr_assert_eq(ask(&requesters[i]), P0F_OK);
    p0f_conn_io(conn);
    cr_assert(stand_in_skip(&p0f, ALL));
    for (unsigned i = 0; i < ALL; i++)
        length += stand_in_pack(bytes + length, P0F_DIALECT_P0F3, P0F_STATUS_OK, i + 1);
    cr_assert(stand_in_write(&p0f, bytes, length));
    do {
        before = told;
        cr_assert_eq(p0f_conn_io(conn), P0F_OK);
        while (told < ALL && requesters[told].calls > 0) {
            assert_told(&requesters[told], P0F_OK, told + 1);
            told++;
        }
        cr_assert_gt(told, before);
        cr_assert_leq(told - before, AT_ONCE);
        calls++;
    } while (told < ALL);
    cr_assert_gt(calls, ALL / AT_ONCE);
    close_conn();
}

/* Its owner is told at once, and may go; the connection stays until p0f has answered. */
Test(conn, cancel, .init = start, .fini = stop)
{
    struct requester a = {0}, b = {0};
    uint8_t bytes[P0F_ANSWER_MAX];

    open_served(2);
    cr_assert_eq(ask(&a), P0F_OK);
    p0f_conn_io(conn);
    cr_assert_eq(ask(&b), P0F_OK);
    p0f_conn_cancel(conn);
    assert_told(&a, P0F_DISCONNECTED, 0);
    assert_told(&b, P0F_DISCONNECTED, 0);
    cr_assert_not(p0f_conn_wants_write(conn), "a query that nobody waits for");
    cr_assert_eq(ask(&b), P0F_RETIRED);
    cr_assert_eq(p0f_conn_pending(conn), 0);
    cr_assert_eq(p0f_conn_outstanding(conn), 1);
    cr_assert_not(p0f_conn_free(conn));
    size_t size = stand_in_pack(bytes, P0F_DIALECT_P0F3, P0F_STATUS_OK, 0);
    cr_assert(stand_in_skip(&p0f, 1));
    cr_assert(stand_in_write(&p0f, bytes, size - 1));
    cr_assert_eq(p0f_conn_io(conn), P0F_OK);
    cr_assert_eq(p0f_conn_outstanding(conn), 1, "it lacks a byte");
    cr_assert(stand_in_write(&p0f, bytes + size - 1, 1));
    p0f_conn_io(conn);
    cr_assert_eq(p0f_conn_outstanding(conn), 0);
    close_conn();
}

/* The child reads what is outstanding, tells nobody, and exits. */
Test(conn, detach, .init = start, .fini = stop)
{
    struct requester a = {0};
    int status;

    open_served(1);
    cr_assert(p0f_conn_detach(conn), "nothing is outstanding");
    cr_assert(stand_in_sees_closed(&p0f));
    cr_assert(p0f_conn_detach(NULL));
    cr_assert_eq(waitpid(-1, &status, WNOHANG), -1, "a child without need");
    open_conn(P0F_DIALECT_AUTO, 1);
    cr_assert_eq(ask(&a), P0F_OK);
    p0f_conn_io(conn);
    cr_assert(stand_in_skip(&p0f, 3));
    cr_assert(p0f_conn_detach(conn));
    assert_told(&a, P0F_DISCONNECTED, 0);
    for (int i = 0; i < 3; i++) {
        cr_assert(stand_in_sees_open(&p0f));
        cr_assert_eq(waitpid(-1, &status, WNOHANG), 0);
        uint8_t bytes[P0F_ANSWER_MAX];
        size_t size = stand_in_pack(bytes, P0F_DIALECT_SIG, P0F_STATUS_OK, 0);
        cr_assert(stand_in_write(&p0f, bytes, size));
    }
    cr_assert(waitpid(-1, &status, 0) > 0);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    cr_assert(stand_in_sees_closed(&p0f));
}
