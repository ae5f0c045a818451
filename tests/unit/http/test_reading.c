/* SPDX-License-Identifier: MIT */
#include "http/reading.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

static int ends[2];

static void connect_ends(void)
{
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    cr_assert_eq(send(ends[0], "abcdef", 6, 0), 6);
}

static void close_ends(void)
{
    close(ends[0]);
    close(ends[1]);
}

Test(reading, receives_as_ever, .init = connect_ends, .fini = close_ends)
{
    char bytes[8] = "";

    cr_assert_eq(recv(ends[1], bytes, 2, MSG_PEEK), 2);
    cr_assert_eq(recv(ends[1], bytes, sizeof bytes, 0), 6);
    cr_assert_str_eq(bytes, "abcdef");
    cr_assert_eq(recv(ends[1], bytes, sizeof bytes, MSG_DONTWAIT), -1);
}

static void *look_at_a_new_thread(void *ctx)
{
    reading_mark(ends[0]);
    cr_assert_eq(reading_current(), -1);
    cr_assert_null(reading_start(-1));
    cr_assert_null(reading_start(ends[0]));
    return ctx;
}

/* A library that reads in another way leaves it open whose turn it is. */
Test(reading, nothing_is_known_before_it_has_read, .init = connect_ends, .fini = close_ends)
{
    pthread_t thread;

    cr_assert_eq(pthread_create(&thread, NULL, look_at_a_new_thread, NULL), 0);
    pthread_join(thread, NULL);
}

Test(reading, the_one_that_was_read_from_or_called_for_last, .init = connect_ends,
     .fini = close_ends)
{
    char bytes[8];

    recv(ends[1], bytes, 1, 0);
    cr_assert_eq(reading_current(), ends[1]);
    reading_mark(ends[0]);
    cr_assert_eq(reading_current(), ends[0]);
    recv(ends[1], bytes, 1, 0);
    cr_assert_eq(reading_current(), ends[1]);
}

Test(reading, where_the_bytes_went, .init = connect_ends, .fini = close_ends)
{
    char bytes[8];

    recv(ends[1], bytes + 2, 1, 0);
    reading_mark(ends[0]);
    cr_assert_eq(reading_start(ends[1]), bytes + 2);
    cr_assert_null(reading_start(ends[0]));
}

static void *read_one(void *ctx)
{
    recv(ends[1], ctx, 1, 0);
    return NULL;
}

Test(reading, what_another_thread_reads_is_another_matter, .init = connect_ends, .fini = close_ends)
{
    char bytes[8];
    pthread_t thread;

    recv(ends[1], bytes, 1, 0);
    reading_mark(ends[0]);
    cr_assert_eq(pthread_create(&thread, NULL, read_one, bytes + 1), 0);
    pthread_join(thread, NULL);
    cr_assert_eq(reading_current(), ends[0]);
    cr_assert_eq(reading_start(ends[1]), bytes);
}

static int told, filled;
static bool more;

static bool note_read(int fd, bool all)
{
    told = fd;
    filled = all ? fd : -1;
    return more;
}

Test(reading, tells_of_what_is_read, .init = connect_ends, .fini = close_ends)
{
    char bytes[8];

    more = true;
    reading_watch(note_read);
    cr_assert_eq(recv(ends[1], bytes, 3, 0), 3);
    cr_assert_eq(told, ends[1]);
    cr_assert_eq(filled, ends[1], "all the room");
    cr_assert_eq(recv(ends[1], bytes, sizeof bytes, 0), 3);
    cr_assert_eq(told, ends[1]);
    cr_assert_eq(filled, -1);
    told = -1;
    cr_assert_eq(recv(ends[1], bytes, sizeof bytes, MSG_DONTWAIT), -1);
    cr_assert_eq(told, -1, "there was nothing");
}

Test(reading, can_be_at_its_end, .init = connect_ends, .fini = close_ends)
{
    char bytes[8];

    more = false;
    reading_watch(note_read);
    cr_assert_eq(recv(ends[1], bytes, 3, 0), 0);
}
