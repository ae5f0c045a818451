/* SPDX-License-Identifier: MIT */
/* A pool that is retired while p0f is away leaves it alone when it is back. */
#include "p0f/pool.h"

#include "../../support/c/stage.h"

static unsigned drained;

static void on_drained(void *ctx)
{
    cr_assert_eq(ctx, &drained);
    drained++;
}

/* With so many links; p0f goes when they are ready, or has never been there. */
static void retire_without_p0f(unsigned links, bool was_there)
{
    stage_open();
    if (was_there)
        stage_p0f_start();
    struct pool *pool = pool_new(stage.loop, &(struct pool_options){.socket = stage.p0f.socket.path,
                                                                    .connections = links,
                                                                    .pipeline = 16,
                                                                    .seed = 7});
    cr_assert_not_null(pool);
    stage_settle();
    cr_assert_eq(stage.accepted, was_there ? links : 0);
    stage_p0f_stop();
    stage_settle();
    drained = 0;
    pool_retire(pool, on_drained, &drained);
    cr_assert_eq(drained, 1);
    stage_p0f_start();
    for (int i = 0; i < 5; i++)
        stage_pass(1000);
    cr_assert_eq(stage.accepted, was_there ? links : 0, "connections that nobody is to use");
    pool_free(pool);
    stage_close();
}

Test(pool_retired, no_link_connects)
{
    for (unsigned links = 1; links <= 4; links++) {
        retire_without_p0f(links, false);
        retire_without_p0f(links, true);
    }
}

static struct pool *open_pool(unsigned links)
{
    drained = 0;
    return pool_new(stage.loop, &(struct pool_options){.socket = stage.p0f.socket.path,
                                                       .connections = links,
                                                       .pipeline = 16});
}

static void finish(struct pool *pool)
{
    cr_assert_eq(drained, 1);
    cr_assert_eq(pool_outstanding(pool), 0);
    pool_free(pool);
    stage_close();
}

static void ignore(void *ctx, enum p0f_error error, const struct p0f_host *host)
{
    (void)ctx, (void)error, (void)host;
}

/* A single answer is outstanding, and nobody waits for it: closing would kill p0f all the same. */
Test(pool_retired, not_drained_while_anything_is_outstanding)
{
    struct pool_query queries[2];

    stage_open();
    stage_p0f_start();
    struct pool *pool = open_pool(1);
    stage_settle();
    stage.holding = true;
    for (int i = 0; i < 2; i++) {
        queries[i] = (struct pool_query){.addr = stage_addr("66.0.0.1"), .answer = ignore};
        cr_assert_eq(pool_ask(pool, &queries[i]), P0F_OK);
    }
    stage_settle();
    stage_answer_first(&stage.p0f.clients[0]); /* with nonsense, so both have been told */
    stage_round();
    cr_assert_eq(pool_outstanding(pool), 1);
    pool_retire(pool, on_drained, &drained);
    stage_settle();
    stage_pass(5000);
    cr_assert_eq(drained, 0);
    stage.p0f.clients[0].outstanding[0] = stage_addr("10.0.0.1");
    stage_answer_first(&stage.p0f.clients[0]);
    stage_settle();
    finish(pool);
}

Test(pool_retired, not_drained_while_a_probe_is_outstanding)
{
    stage_open();
    stage_p0f_start();
    stage.mute = true;
    struct pool *pool = open_pool(1);
    stage_settle();
    cr_assert_eq(pool_outstanding(pool), 2);
    pool_retire(pool, on_drained, &drained);
    stage_settle();
    stage_answer_first(&stage.p0f.clients[0]);
    stage_settle();
    cr_assert_gt(pool_outstanding(pool), 0);
    cr_assert_eq(drained, 0);
    stage_answer_first(&stage.p0f.clients[0]);
    stage_settle();
    finish(pool);
}

/* p0f answers on the last connection only when it has got rid of another one. */
Test(pool_retired, drained_although_p0f_is_at_its_limit)
{
    stage_open();
    stage_p0f_start();
    stage.taken = STAGE_CLIENTS - 3;
    struct pool *pool = open_pool(4);
    stage_settle();
    stage_pass(5000);
    cr_assert_eq(stage.accepted, 3);
    cr_assert_eq(pool_outstanding(pool), 2);
    pool_retire(pool, on_drained, &drained);
    stage_settle();
    cr_assert_eq(stage.accepted, 4);
    finish(pool);
}
