/* SPDX-License-Identifier: MIT */
/* p0f.max_rate, as it is changed by a reload. */
#include "p0f/pool.h"

#include "../../support/c/stage.h"

#define QUERIES 8

static struct pool *pool;
static struct pool_query queries[QUERIES];

static void ignore(void *ctx, enum p0f_error error, const struct p0f_host *host)
{
    (void)ctx, (void)error, (void)host;
}

static void drained(void *ctx)
{
    (void)ctx;
}

static void ask_all(void)
{
    for (int i = 0; i < QUERIES; i++) {
        queries[i] = (struct pool_query){
            .addr = stage_addr("10.0.0.1"), .flow = FLOW_STRANGERS, .answer = ignore};
        cr_assert_eq(pool_ask(pool, &queries[i]), P0F_OK);
    }
    stage_settle();
}

/* What the old rate has spent is not waited for. */
Test(pool_rate, a_higher_one_counts_at_once)
{
    stage_open();
    stage_p0f_start();
    pool = pool_new(
        stage.loop,
        &(struct pool_options){.socket = stage.p0f.socket.path, .connections = 1, .pipeline = 16});
    cr_assert_not_null(pool);
    stage_settle();
    pool_set_max_rate(pool, 1);
    ask_all();
    cr_assert_eq(stage.asked, 1);
    pool_set_max_rate(pool, 200); /* one each 5 ms, and as many at first as are due in 50 */
    stage_settle();
    cr_assert_eq(stage.asked, QUERIES);
    pool_retire(pool, drained, NULL);
    stage_settle();
    pool_free(pool);
    stage_close();
}
