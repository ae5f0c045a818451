/* SPDX-License-Identifier: MIT */
/* A connection under test with the test as its p0f, and requesters that note what they are told. */
#ifndef REQUESTER_H
#define REQUESTER_H

#include "p0fclient.h"
#include "stand_in.h"

#include <criterion/criterion.h>

struct requester {
    unsigned calls;
    unsigned turn; /* the how many-th of all callbacks this was */
    enum p0f_error error;
    uint32_t mark; /* total_conn of the host told, 0 when there was none */
    struct p0f_conn *ask_more;
    struct requester *more;
};

static const struct p0f_addr somebody = {.type = 4, .bytes = {192, 0, 2, 1}};
static struct stand_in p0f;
static struct p0f_conn *conn;
static unsigned turns;

static void on_answer(void *ctx, enum p0f_error error, const struct p0f_host *host)
{
    struct requester *requester = ctx;

    requester->calls++;
    requester->turn = ++turns;
    requester->error = error;
    requester->mark = host ? host->total_conn : 0;
    if (requester->ask_more) {
        cr_assert_eq(p0f_conn_ask(requester->ask_more, &somebody, on_answer, requester->more),
                     error > P0F_BAD_QUERY ? error : P0F_OK);
        cr_assert_not(p0f_conn_free(requester->ask_more), "freed inside a callback");
    }
}

static void assert_told(const struct requester *requester, enum p0f_error error, uint32_t mark)
{
    cr_assert_eq(requester->calls, 1, "called %u times", requester->calls);
    cr_assert_eq(requester->error, error, "told: %s", p0f_strerror(requester->error));
    cr_assert_eq(requester->mark, mark, "told of host %u", requester->mark);
}

static enum p0f_error ask(struct requester *requester)
{
    return p0f_conn_ask(conn, &somebody, on_answer, requester);
}

static void start(void)
{
    turns = 0;
    cr_assert(stand_in_start(&p0f));
}

static void stop(void)
{
    stand_in_stop(&p0f);
}

static void open_conn(enum p0f_dialect dialect, unsigned pipeline)
{
    cr_assert_eq(p0f_conn_open(p0f.socket.path, dialect, pipeline, &conn), P0F_OK);
    cr_assert(stand_in_accept(&p0f));
}

/* Connected, and the probes are answered. */
static void open_served(unsigned pipeline)
{
    open_conn(P0F_DIALECT_AUTO, pipeline);
    cr_assert_eq(p0f_conn_io(conn), P0F_OK);
    cr_assert(stand_in_skip(&p0f, 2));
    cr_assert(stand_in_answer(&p0f, P0F_STATUS_NOMATCH, 0));
    cr_assert(stand_in_answer(&p0f, P0F_STATUS_NOMATCH, 0));
    cr_assert_eq(p0f_conn_io(conn), P0F_OK);
    cr_assert_eq(p0f_conn_dialect(conn), P0F_DIALECT_P0F3);
    cr_assert_eq(p0f_conn_outstanding(conn), 0);
}

static void close_conn(void)
{
    cr_assert(stand_in_sees_open(&p0f), "closed too early");
    cr_assert_eq(p0f_conn_outstanding(conn), 0);
    cr_assert(p0f_conn_free(conn));
    cr_assert(stand_in_sees_closed(&p0f));
}

static void close_after_hang_up(void)
{
    stand_in_hang_up(&p0f);
    p0f_conn_io(conn);
    cr_assert(p0f_conn_hung_up(conn));
    cr_assert(p0f_conn_free(conn));
}

#endif
