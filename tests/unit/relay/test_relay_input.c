/* SPDX-License-Identifier: MIT */
#include "relay/relay_input.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int client;
static struct relay_input input;
static struct relay_batch batch;
static uint8_t queries[RELAY_QUERIES_MAX * P0F_QUERY_SIZE];

static void open_input(void)
{
    int ends[2];

    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    client = ends[0];
    input = (struct relay_input){.fd = ends[1]};
    for (size_t i = 0; i < sizeof queries; i++)
        queries[i] = (uint8_t)(i * 7 + 1);
}

static void close_input(void)
{
    close(input.fd);
    close(client);
}

static void send_bytes(size_t from, size_t to)
{
    cr_assert_eq(send(client, queries + from, to - from, 0), (ssize_t)(to - from));
}

/* Queries from the `first` on, as they were sent. */
static void expect_queries(unsigned first, unsigned count, unsigned max)
{
    cr_assert_eq(relay_input_read(&input, &batch, max), RELAY_INPUT_READ);
    cr_assert_eq(batch.count, count, "%u", batch.count);
    for (unsigned i = 0; i < count; i++)
        cr_assert_arr_eq(relay_input_query(&batch, i), queries + (first + i) * P0F_QUERY_SIZE,
                         P0F_QUERY_SIZE);
}

/* What the client sees when the other end is closed now. */
static int end_of_connection(void)
{
    char byte;

    close(input.fd);
    input.fd = -1;
    return recv(client, &byte, 1, 0) == 0 ? 0 : errno;
}

Test(relay_input, in_pieces_of_any_size, .init = open_input, .fini = close_input)
{
    size_t whole = 3 * P0F_QUERY_SIZE;

    for (size_t size = 1; size <= whole; size++)
        for (int kept = 0; kept < 2; kept++) {
            unsigned count = 0;
            for (size_t at = 0; at < whole; at += size) {
                size_t end = at + size < whole ? at + size : whole;
                send_bytes(at, end);
                expect_queries(count, (unsigned)(end / P0F_QUERY_SIZE) - count, 4);
                count += batch.count;
                cr_assert(relay_input_consume(&input, &batch, kept));
                cr_assert_eq(input.kept, kept);
            }
            cr_assert_eq(count, 3);
            cr_assert(relay_input_let_go(&input));
        }
}

Test(relay_input, no_more_than_asked_for, .init = open_input, .fini = close_input)
{
    send_bytes(0, sizeof queries);
    expect_queries(0, 2, 2);
    cr_assert(relay_input_consume(&input, &batch, true));
    expect_queries(2, 1, 1);
    cr_assert(relay_input_consume(&input, &batch, false));
    expect_queries(3, RELAY_QUERIES_MAX - 3, RELAY_QUERIES_MAX);
    cr_assert(relay_input_consume(&input, &batch, false));
    expect_queries(0, 0, RELAY_QUERIES_MAX);
    cr_assert(relay_input_consume(&input, &batch, true));
    cr_assert_not(input.kept, "there was nothing to keep");
}

Test(relay_input, a_kept_byte_makes_the_end_an_error, .init = open_input, .fini = close_input)
{
    send_bytes(0, P0F_QUERY_SIZE);
    expect_queries(0, 1, 1);
    cr_assert(relay_input_consume(&input, &batch, true));
    expect_queries(0, 0, 1);
    cr_assert(relay_input_consume(&input, &batch, true));
    cr_assert_eq(end_of_connection(), ECONNRESET);
}

Test(relay_input, without_it_the_end_is_none, .init = open_input, .fini = close_input)
{
    send_bytes(0, P0F_QUERY_SIZE);
    expect_queries(0, 1, 1);
    cr_assert(relay_input_consume(&input, &batch, true));
    cr_assert(relay_input_let_go(&input));
    cr_assert(relay_input_let_go(&input), "there is none any more");
    cr_assert_eq(end_of_connection(), 0);
}

Test(relay_input, the_end_comes_behind_a_kept_byte, .init = open_input, .fini = close_input)
{
    send_bytes(0, P0F_QUERY_SIZE + 1);
    expect_queries(0, 1, 2);
    cr_assert(relay_input_consume(&input, &batch, true));
    shutdown(client, SHUT_WR);
    expect_queries(0, 0, 2);
    cr_assert(relay_input_consume(&input, &batch, true));
    cr_assert(relay_input_let_go(&input));
    cr_assert_eq(relay_input_read(&input, &batch, 2), RELAY_INPUT_ENDED);
    cr_assert_eq(batch.count, 0);
    cr_assert(relay_input_consume(&input, &batch, false));
}

Test(relay_input, limited_to_what_has_arrived, .init = open_input, .fini = close_input)
{
    for (int kept = 0; kept < 2; kept++) {
        send_bytes(0, P0F_QUERY_SIZE);
        expect_queries(0, 1, 4);
        cr_assert(relay_input_consume(&input, &batch, kept));
        send_bytes(P0F_QUERY_SIZE, 4 * P0F_QUERY_SIZE);
        cr_assert(relay_input_limit(&input));
        send_bytes(0, P0F_QUERY_SIZE); /* too late */
        expect_queries(1, 2, 2);
        cr_assert(relay_input_consume(&input, &batch, kept));
        cr_assert_eq(relay_input_read(&input, &batch, 4), RELAY_INPUT_ENDED);
        cr_assert_eq(batch.count, 1);
        cr_assert_arr_eq(relay_input_query(&batch, 0), queries + 3 * P0F_QUERY_SIZE,
                         P0F_QUERY_SIZE);
        cr_assert(relay_input_consume(&input, &batch, false));
        close_input();
        open_input();
    }
}

Test(relay_input, limited_when_nothing_has_arrived, .init = open_input, .fini = close_input)
{
    send_bytes(0, 30);
    expect_queries(0, 1, 4);
    cr_assert(relay_input_consume(&input, &batch, true));
    cr_assert_not(relay_input_limit(&input), "the kept byte has been read");
}

Test(relay_input, the_client_has_gone, .init = open_input, .fini = close_input)
{
    cr_assert_eq(send(input.fd, "", 1, 0), 1);
    close(client);
    client = -1;
    cr_assert_eq(relay_input_read(&input, &batch, 1), RELAY_INPUT_FAILED);
}
