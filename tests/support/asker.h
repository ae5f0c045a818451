/* A connection under test with the test as its p0f, and askers that note what they are told. */
#ifndef ASKER_H
#define ASKER_H

#include "p0fclient.h"
#include "stand_in.h"

#include <criterion/criterion.h>

struct asker {
    unsigned calls;
    unsigned turn; /* the how many-th of all callbacks this was */
    enum p0f_error error;
    uint32_t mark; /* total_conn of the host told, 0 when there was none */
    struct p0f_conn *ask_more;
    struct asker *more;
};

static const struct p0f_addr somebody = {.type = 4, .bytes = {192, 0, 2, 1}};
static struct stand_in p0f;
static struct p0f_conn *conn;
static unsigned turns;

static void on_answer(void *ctx, enum p0f_error error, const struct p0f_host *host)
{
    struct asker *asker = ctx;

    asker->calls++;
    asker->turn = ++turns;
    asker->error = error;
    asker->mark = host ? host->total_conn : 0;
    if (asker->ask_more) {
        cr_assert_eq(p0f_conn_ask(asker->ask_more, &somebody, on_answer, asker->more),
                     error > P0F_BAD_QUERY ? error : P0F_OK);
        cr_assert_not(p0f_conn_free(asker->ask_more), "freed inside a callback");
    }
}

static void assert_told(const struct asker *asker, enum p0f_error error, uint32_t mark)
{
    cr_assert_eq(asker->calls, 1, "called %u times", asker->calls);
    cr_assert_eq(asker->error, error, "told: %s", p0f_strerror(asker->error));
    cr_assert_eq(asker->mark, mark, "told of host %u", asker->mark);
}

static enum p0f_error ask(struct asker *asker)
{
    return p0f_conn_ask(conn, &somebody, on_answer, asker);
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
    cr_assert_eq(p0f_conn_open(p0f.path, dialect, pipeline, &conn), P0F_OK);
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
    cr_assert_eq(p0f_conn_owed(conn), 0);
}

static void close_conn(void)
{
    cr_assert(stand_in_sees_open(&p0f), "closed too early");
    cr_assert_eq(p0f_conn_owed(conn), 0);
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
