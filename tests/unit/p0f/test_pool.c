/* SPDX-License-Identifier: MIT */
#include "p0f/pool.h"

#include "../../support/c/stage.h"

#define QUERIES 8

static struct pool *pool;
static struct pool_query queries[QUERIES];
static enum p0f_error results[QUERIES];
static unsigned answers[QUERIES], drained;

static void on_answer(void *ctx, enum p0f_error error, const struct p0f_host *host)
{
    unsigned *count = ctx;

    (*count)++;
    results[count - answers] = error;
    cr_assert_eq(host != NULL, error == P0F_OK);
}

static void on_drained(void *ctx)
{
    (void)ctx;
    drained++;
}

static void setup(unsigned connections, unsigned pipeline)
{
    const struct pool_options options = {.socket = stage.p0f.socket.path,
                                         .connections = connections,
                                         .pipeline = pipeline,
                                         .seed = 7};

    memset(answers, 0, sizeof answers);
    drained = 0;
    pool = pool_new(stage.loop, &options);
    cr_assert_not_null(pool);
    stage_settle();
}

static void open_with_p0f(unsigned connections, unsigned pipeline)
{
    stage_open();
    stage_p0f_start();
    setup(connections, pipeline);
    cr_assert_eq(stage.accepted, connections);
}

static void teardown(void)
{
    stage.holding = false;
    stage_settle();
    if (!drained)
        pool_retire(pool, on_drained, NULL);
    stage_settle();
    cr_assert_eq(drained, 1);
    cr_assert_eq(pool_outstanding(pool), 0);
    pool_free(pool);
    stage_close();
}

static enum p0f_error ask_as(int i, unsigned flow)
{
    queries[i] = (struct pool_query){
        .addr = stage_addr("10.0.0.1"), .flow = flow, .answer = on_answer, .ctx = &answers[i]};
    queries[i].addr.bytes[3] = (uint8_t)i;
    return pool_ask(pool, &queries[i]);
}

static enum p0f_error ask(int i)
{
    return ask_as(i, FLOW_STRANGERS);
}

static void ask_first(int count)
{
    for (int i = 0; i < count; i++)
        cr_assert_eq(ask(i), P0F_OK);
}

static void expect(int i, enum p0f_error error)
{
    cr_assert_eq(answers[i], 1, "query %d answered %u times", i, answers[i]);
    cr_assert_eq(results[i], error, "query %d: %s", i, p0f_strerror(results[i]));
}

Test(pool, never_more_connections)
{
    open_with_p0f(3, 16);
    ask_first(QUERIES);
    stage_settle();
    for (int i = 0; i < QUERIES; i++)
        expect(i, P0F_OK);
    stage_pass(60000);
    cr_assert_eq(stage.accepted, 3);
    teardown();
}

Test(pool, fewest_pending_first)
{
    open_with_p0f(2, 16);
    stage.holding = true;
    ask_first(5);
    stage_settle();
    cr_assert_eq(stage.p0f.clients[0].count + stage.p0f.clients[1].count, 5);
    cr_assert_geq(stage.p0f.clients[0].count, 2);
    cr_assert_geq(stage.p0f.clients[1].count, 2);
    stage_answer_first(&stage.p0f.clients[0]);
    stage_answer_first(&stage.p0f.clients[0]);
    stage_round();
    unsigned other = stage.p0f.clients[1].count;
    cr_assert_eq(ask(5), P0F_OK);
    stage_settle();
    cr_assert_eq(stage.p0f.clients[1].count, other, "the other one has fewer outstanding");
    cr_assert_eq(pool_outstanding(pool), 4);
    teardown();
}

Test(pool, pipeline_is_never_exceeded)
{
    open_with_p0f(1, 2);
    stage.holding = true;
    ask_first(5);
    stage_settle();
    cr_assert_eq(stage.p0f.clients[0].count, 2);
    stage_answer_first(&stage.p0f.clients[0]);
    stage_settle();
    cr_assert_eq(stage.asked, 3, "the next of the queue is sent");
    expect(0, P0F_OK);
    stage.holding = false;
    stage_settle();
    for (int i = 0; i < 5; i++)
        expect(i, P0F_OK);
    teardown();
}

Test(pool, cancel)
{
    open_with_p0f(1, 1);
    stage.holding = true;
    ask_first(3);
    cr_assert(pool_cancel(pool, &queries[1]));
    cr_assert_not(pool_cancel(pool, &queries[1]), "once is enough");
    stage_settle();
    cr_assert_not(pool_cancel(pool, &queries[0]), "it was sent");
    stage.holding = false;
    stage_settle();
    expect(0, P0F_OK);
    expect(2, P0F_OK);
    cr_assert_eq(answers[1], 0);
    cr_assert_eq(stage.asked, 2);
    teardown();
}

Test(pool, unreachable_until_p0f_is_there)
{
    stage_open();
    setup(2, 16);
    cr_assert_eq(ask(0), P0F_UNREACHABLE);
    stage_p0f_start();
    for (int i = 0; i < 3; i++)
        stage_pass(2000);
    cr_assert_eq(stage.accepted, 2);
    ask_first(1);
    stage_settle();
    expect(0, P0F_OK);
    teardown();
}

Test(pool, reconnects_after_hang_up)
{
    open_with_p0f(1, 1);
    stage.holding = true;
    ask_first(2);
    stage_settle();
    stage_hang_up();
    stage_settle();
    expect(0, P0F_DISCONNECTED);
    expect(1, P0F_UNREACHABLE);
    cr_assert_eq(ask(2), P0F_UNREACHABLE);
    stage_pass(20);
    cr_assert_eq(stage.accepted, 1, "not before a pause");
    stage_pass(30);
    cr_assert_eq(stage.accepted, 2);
    stage.holding = false;
    cr_assert_eq(ask(3), P0F_OK);
    stage_settle();
    expect(3, P0F_OK);
    teardown();
}

Test(pool, is_ready_again_before_anybody_asks)
{
    open_with_p0f(1, 1);
    stage_p0f_stop();
    stage_settle();
    stage_p0f_start();
    stage.holding = true; /* whatever is no probe */
    stage_pass(50);
    cr_assert_eq(stage.accepted, 2);
    cr_assert_eq(stage.probed, 4, "a new connection tells by itself whether p0f answers");
    teardown();
}

Test(pool, asks_on_no_connection_that_waits_for_a_slot)
{
    stage_open();
    stage_p0f_start();
    stage.taken = STAGE_CLIENTS;
    setup(4, 2);
    ask_first(8);
    stage_pass(50);
    stage.taken = STAGE_CLIENTS - 1;
    stage_settle();
    cr_assert_eq(stage.accepted, 1);
    for (int i = 0; i < 8; i++)
        expect(i, P0F_OK);
    stage.taken = 0;
    teardown();
}

Test(pool, flows_take_turns)
{
    open_with_p0f(1, 1);
    stage.holding = true;
    ask_first(4);
    stage_settle();
    cr_assert_eq(ask_as(4, FLOW_STRANGERS + 1), P0F_OK);
    stage_answer_first(&stage.p0f.clients[0]);
    stage_settle();
    expect(0, P0F_OK);
    stage_answer_first(&stage.p0f.clients[0]);
    stage_settle();
    expect(1, P0F_OK);
    cr_assert_eq(stage.p0f.clients[0].outstanding[0].bytes[3], 4,
                 "before the two that were there first");
    stage.holding = false;
    stage_settle();
    for (int i = 2; i < 5; i++)
        expect(i, P0F_OK);
    teardown();
}

Test(pool, drained_when_nothing_is_outstanding)
{
    open_with_p0f(1, 2);
    stage.holding = true;
    ask_first(3);
    stage_settle();
    pool_retire(pool, on_drained, NULL);
    expect(2, P0F_UNREACHABLE);
    cr_assert_eq(ask(3), P0F_UNREACHABLE);
    stage_answer_first(&stage.p0f.clients[0]);
    stage_settle();
    expect(0, P0F_OK);
    cr_assert_eq(drained, 0);
    cr_assert_eq(pool_outstanding(pool), 1);
    stage_answer_first(&stage.p0f.clients[0]);
    stage_settle();
    expect(1, P0F_OK);
    cr_assert_eq(drained, 1);
    teardown();
}

Test(pool, drained_at_once)
{
    open_with_p0f(4, 2);
    pool_retire(pool, on_drained, NULL);
    cr_assert_eq(drained, 1);
    teardown();
}

static void retire(void *ctx)
{
    pool_retire(ctx, on_drained, NULL);
}

/* Its probes would be outstanding when the process ends in that same round. */
Test(pool, a_connection_made_at_the_very_end_asks_nothing)
{
    struct loop_timer last = {.fire = retire};

    stage_open();
    setup(1, 2); /* there is no p0f; it tries again within 50 ms */
    stage_p0f_start();
    last.ctx = pool;
    loop_arm(stage.loop, &last, mono_add_ms(stage.now, 60));
    stage.now = mono_add_ms(stage.now, 60);
    stage_round();
    cr_assert_eq(drained, 1);
    cr_assert_eq(pool_outstanding(pool), 0);
    pool_free(pool);
    stage_serve();
    cr_assert_eq(stage.accepted, 1);
    cr_assert_eq(stage.probed, 0);
    stage_close();
}

Test(pool, max_rate)
{
    open_with_p0f(1, 16);
    pool_set_max_rate(pool, 20); /* one each 50 ms, and two at first */
    ask_first(4);
    stage_settle();
    cr_assert_eq(stage.asked, 2);
    stage_pass(49);
    cr_assert_eq(stage.asked, 2);
    stage_pass(1);
    cr_assert_eq(stage.asked, 3);
    pool_set_max_rate(pool, 0);
    stage_settle();
    cr_assert_eq(stage.asked, 4);
    teardown();
}

/* What the daemon asks for itself is sent next, and takes its part of the rate where there is one. */
Test(pool, max_rate_does_not_delay_the_daemon_itself)
{
    open_with_p0f(1, 16);
    pool_set_max_rate(pool, 20);
    ask_first(4);
    stage_settle();
    cr_assert_eq(stage.asked, 2);
    cr_assert_eq(ask_as(4, FLOW_DAEMON), P0F_OK);
    stage_settle();
    expect(4, P0F_OK);
    cr_assert_eq(stage.asked, 3);
    stage_pass(49);
    cr_assert_eq(stage.asked, 3, "that has made nobody faster");
    stage_pass(1);
    cr_assert_eq(stage.asked, 4, "nor slower");
    stage_pass(50);
    cr_assert_eq(stage.asked, 5);
    stage_pass(1000);
    cr_assert_eq(ask_as(4, FLOW_DAEMON), P0F_OK);
    ask_first(2);
    stage_settle();
    cr_assert_eq(stage.asked, 7, "it is one of the two");
    teardown();
}
