/* SPDX-License-Identifier: MIT */
/* A pool that gives p0f up: nobody waits any more, and whoever has the connections then receives what is
 * outstanding. */
#include "p0f/drain_process.h"
#include "p0f/pool.h"

#include "../../support/c/stage.h"

static unsigned drained, told;
static struct pool *pool;
static struct p0f_conn *conns[POOL_MAX];

static void on_drained(void *ctx)
{
    (void)ctx;
    drained++;
}

static void on_told(void *ctx, enum p0f_error error, const struct p0f_host *host)
{
    struct pool_query *query = ctx;

    cr_assert_null(host);
    cr_assert_eq(error, query->flow ? P0F_UNREACHABLE : P0F_DISCONNECTED);
    cr_assert_eq(pool_ask(pool, query), P0F_UNREACHABLE);
    told++;
}

static void open_pool(unsigned links)
{
    drained = told = 0;
    stage_open();
    stage_p0f_start();
    pool = pool_new(stage.loop, &(struct pool_options){.socket = stage.p0f.socket.path,
                                                       .connections = links,
                                                       .pipeline = 1,
                                                       .seed = 7});
    cr_assert_not_null(pool);
    stage_settle();
}

/* The first `sent` are sent; the others are queued. */
static void ask_all(struct pool_query *queries, unsigned count, unsigned sent)
{
    stage.holding = true;
    for (unsigned i = 0; i < count; i++) {
        queries[i] = (struct pool_query){.addr = stage_addr("10.0.0.1"),
                                         .flow = i >= sent,
                                         .answer = on_told,
                                         .ctx = &queries[i]};
        cr_assert_eq(pool_ask(pool, &queries[i]), P0F_OK);
    }
    stage_settle();
    cr_assert_eq(stage.asked, sent);
}

static void close_pool(void)
{
    cr_assert_eq(pool_outstanding(pool), 0);
    pool_free(pool);
}

Test(pool_give_up, all_are_told_and_connections_are_left)
{
    struct pool_query queries[3];

    open_pool(3);
    ask_all(queries, 2, 2);
    cr_assert_eq(pool_give_up(pool, conns), 2, "the third is idle");
    cr_assert_eq(told, 2);
    close_pool();
    stage_settle();
    cr_assert_eq(fake_p0f_served(&stage.p0f), 2, "the idle one is closed");
    stage.holding = false;
    stage_serve();
    drain_process_wait(conns, 2);
    stage_serve();
    cr_assert_eq(fake_p0f_served(&stage.p0f), 0);
    stage_close();
}

Test(pool_give_up, queued_queries_are_never_sent)
{
    struct pool_query queries[3];

    open_pool(1);
    ask_all(queries, 3, 1);
    cr_assert_eq(pool_give_up(pool, conns), 1);
    cr_assert_eq(told, 3);
    close_pool();
    stage.holding = false;
    stage_settle();
    drain_process_wait(conns, 1);
    cr_assert_eq(stage.asked, 1);
    stage_close();
}

/* It was retired before, and is told as if p0f had answered. */
Test(pool_give_up, retired_pool_is_drained)
{
    struct pool_query query;

    open_pool(1);
    ask_all(&query, 1, 1);
    pool_retire(pool, on_drained, NULL);
    cr_assert_eq(drained, 0);
    cr_assert_eq(pool_give_up(pool, conns), 1);
    cr_assert_eq(drained, 1);
    cr_assert_eq(told, 1);
    close_pool();
    stage_p0f_stop();
    drain_process_wait(conns, 1); /* p0f has ended: nothing is outstanding */
    stage_close();
}

/* In p0f's queue, when its connection limit is reached: the size of its answers is not known yet. */
Test(pool_give_up, probes_are_outstanding)
{
    stage_open();
    stage_p0f_start();
    stage.mute = true;
    pool = pool_new(
        stage.loop,
        &(struct pool_options){.socket = stage.p0f.socket.path, .connections = 1, .pipeline = 1});
    stage_settle();
    cr_assert_eq(pool_outstanding(pool), 2);
    cr_assert_eq(pool_give_up(pool, conns), 1);
    close_pool();
    stage.mute = false;
    stage_serve();
    drain_process_wait(conns, 1);
    stage_serve();
    stage_close();
}

Test(pool_give_up, nothing_outstanding)
{
    open_pool(2);
    cr_assert_eq(pool_give_up(pool, conns), 0);
    close_pool();
    stage_settle();
    stage_pass(5000);
    cr_assert_eq(stage.accepted, 2, "it must not connect again");
    stage_close();
}
