/* SPDX-License-Identifier: MIT */
#include "p0f/pool.h"
#include "p0f/pool_fault.h"

#include "../../support/c/stage.h"

#include <errno.h>
#include <stdio.h>

static struct pool *pool;
static struct pool_status status;
static char last_told[POOL_FAULT_SIZE];
static unsigned told;

static void on_answer(void *ctx, enum p0f_error error, const struct p0f_host *host)
{
    (void)ctx, (void)error, (void)host;
}

static void on_drained(void *ctx)
{
    (void)ctx;
}

static void on_told(void *ctx, const char *fault)
{
    cr_assert_eq(ctx, &status);
    snprintf(last_told, sizeof last_told, "%s", fault ? fault : "p0f answers");
    told++;
}

static void look(void)
{
    memset(&status, 0xff, sizeof status);
    pool_status(pool, &status);
}

static void setup(unsigned connections, enum p0f_dialect dialect)
{
    const struct pool_options options = {.socket = stage.p0f.socket.path,
                                         .dialect = dialect,
                                         .connections = connections,
                                         .pipeline = 2,
                                         .max_rate = 1000,
                                         .seed = 7,
                                         .told = on_told,
                                         .ctx = &status};

    told = 0;
    pool = pool_new(stage.loop, &options);
    cr_assert_not_null(pool);
    stage_settle();
    look();
}

static void open_with_p0f(unsigned connections, enum p0f_dialect dialect)
{
    stage_open();
    stage_p0f_start();
    setup(connections, dialect);
}

static void teardown(void)
{
    stage.holding = stage.mute = false;
    stage_settle();
    pool_retire(pool, on_drained, NULL);
    stage_pass(2000);
    pool_free(pool);
    stage_close();
}

Test(pool_status, all_is_well)
{
    open_with_p0f(2, P0F_DIALECT_AUTO);
    stage_pass(1999);
    look();
    cr_assert_str_eq(status.socket, stage.p0f.socket.path);
    cr_assert_eq(status.dialect, P0F_DIALECT_P0F3);
    cr_assert_eq(status.wanted, P0F_DIALECT_AUTO);
    cr_assert(status.up);
    cr_assert_not(status.limit_suspected);
    cr_assert_eq(status.queued, 0);
    cr_assert_eq(status.outstanding, 0);
    cr_assert_eq(status.max_rate, 1000);
    cr_assert_eq(status.reconnects, 0);
    cr_assert_eq(status.connections, 2);
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(status.links[i].state, LINK_READY);
        cr_assert_not(status.links[i].silent);
        cr_assert_eq(status.links[i].dialect, P0F_DIALECT_P0F3);
        cr_assert_eq(status.links[i].age, 1999);
        cr_assert_eq(status.links[i].overdue, 0);
        cr_assert_eq(status.links[i].fault.error, P0F_OK);
    }
    teardown();
}

Test(pool_status, queries_on_the_way)
{
    static struct pool_query queries[3];

    open_with_p0f(1, P0F_DIALECT_AUTO);
    stage.holding = true;
    for (int i = 0; i < 3; i++) {
        queries[i] = (struct pool_query){.addr = stage_addr("10.0.0.1"), .answer = on_answer};
        cr_assert_eq(pool_ask(pool, &queries[i]), P0F_OK);
    }
    look();
    cr_assert_eq(status.queued, 3);
    stage_pass(0);
    look();
    cr_assert_eq(status.queued, 1, "as the pipeline is full");
    cr_assert_eq(status.outstanding, 2);
    cr_assert_eq(status.links[0].outstanding, 2);
    cr_assert_eq(status.links[0].pending, 2);
    cr_assert(pool_cancel(pool, &queries[2]));
    look();
    cr_assert_eq(status.queued, 0);
    teardown();
}

Test(pool_status, a_p0f_that_stops_answering_is_not_up)
{
    static struct pool_query query;

    open_with_p0f(1, P0F_DIALECT_AUTO);
    stage_pass(10000); /* without outstanding answers it is no fault */
    look();
    cr_assert(status.up);
    stage.holding = true;
    query = (struct pool_query){.addr = stage_addr("10.0.0.1"), .answer = on_answer};
    cr_assert_eq(pool_ask(pool, &query), P0F_OK);
    stage_settle();
    stage_pass(999);
    look();
    cr_assert(status.up);
    cr_assert_eq(status.links[0].overdue, 999);
    stage_pass(1);
    look();
    cr_assert_not(status.up);
    cr_assert_eq(status.links[0].state, LINK_READY);
    stage.holding = false;
    stage_settle();
    look();
    cr_assert(status.up);
    teardown();
}

Test(pool_status, each_answer_is_a_sign_of_life)
{
    static struct pool_query queries[2];

    open_with_p0f(1, P0F_DIALECT_AUTO);
    stage.holding = true;
    for (int i = 0; i < 2; i++) {
        queries[i] = (struct pool_query){.addr = stage_addr("10.0.0.1"), .answer = on_answer};
        cr_assert_eq(pool_ask(pool, &queries[i]), P0F_OK);
    }
    stage_settle();
    stage_pass(900);
    stage_answer_first(&stage.p0f.clients[0]);
    stage_settle();
    stage_pass(200);
    look();
    cr_assert_eq(status.outstanding, 1);
    cr_assert_eq(status.links[0].overdue, 200);
    cr_assert(status.up);
    teardown();
}

static void ask(struct pool_query *query)
{
    *query = (struct pool_query){.addr = stage_addr("10.0.0.1"), .answer = on_answer};
    cr_assert_eq(pool_ask(pool, query), P0F_OK);
    stage_settle();
}

/* What must be the fault is what was told last, apart from the seconds. */
static void expect_fault(const char *begin)
{
    char reason[POOL_FAULT_SIZE];

    look();
    pool_fault_find(&status, reason);
    cr_assert_eq(strncmp(reason, status.socket, strlen(status.socket)), 0, "%s", reason);
    cr_assert_not_null(strstr(reason, begin), "%s", reason);
    cr_assert_not_null(strstr(last_told, begin), "%s", last_told);
}

/* One query is enough, though other connections have none. */
Test(pool_status, p0f_hangs)
{
    static struct pool_query queries[2];

    open_with_p0f(3, P0F_DIALECT_AUTO);
    stage_pass(60000);
    stage.holding = true;
    ask(&queries[0]);
    stage_pass(1000);
    look();
    cr_assert_not(status.up);
    cr_assert_eq(status.overdue, 1000);
    stage_pass(1999);
    cr_assert_eq(told, 0);
    ask(&queries[1]); /* on another connection */
    stage_pass(1);
    cr_assert_eq(told, 1);
    expect_fault(": p0f has not answered for 3 s, with 2 queries outstanding: ");
    stage_pass(60000);
    cr_assert_eq(told, 1);
    stage.holding = false;
    stage_settle();
    cr_assert_eq(told, 2);
    cr_assert_str_eq(last_told, "p0f answers");
    look();
    cr_assert(status.up);
    teardown();
}

/* p0f answers in its own time on each connection. */
Test(pool_status, an_answer_on_any_connection_is_a_sign_of_life)
{
    static struct pool_query slow, queries[10];

    open_with_p0f(2, P0F_DIALECT_AUTO);
    stage.holding = true;
    ask(&slow);
    int held = stage.p0f.clients[0].count > 0 ? 0 : 1;
    for (int i = 0; i < 10; i++) {
        stage_pass(800);
        ask(&queries[i]);
        stage_answer_first(&stage.p0f.clients[1 - held]);
        stage_settle();
    }
    look();
    cr_assert_eq(status.links[held].overdue, 8000);
    cr_assert(status.up);
    cr_assert_eq(status.overdue, 0);
    cr_assert_eq(told, 0);
    teardown();
}

/* Then it says what it waits for, and nothing about p0f. */
Test(pool_status, hanging_while_retired_is_not_told)
{
    static struct pool_query query;

    open_with_p0f(1, P0F_DIALECT_AUTO);
    stage.holding = true;
    ask(&query);
    pool_retire(pool, on_drained, NULL);
    stage_pass(10000);
    cr_assert_eq(told, 0);
    teardown();
}

Test(pool_status, connection_limit)
{
    stage_open();
    stage_p0f_start();
    stage.mute = true;
    setup(1, P0F_DIALECT_AUTO);
    cr_assert_eq(status.links[0].state, LINK_PROBING);
    cr_assert_eq(status.links[0].outstanding, 2);
    cr_assert_eq(status.links[0].pending, 0);
    stage_pass(999);
    look();
    cr_assert_not(status.limit_suspected);
    stage_pass(1);
    look();
    cr_assert(status.limit_suspected);
    cr_assert(status.links[0].silent);
    cr_assert_not(status.up);
    stage_pass(1999);
    cr_assert_eq(told, 0);
    stage_pass(1);
    cr_assert_eq(told, 1);
    expect_fault(": queries are never answered");
    stage.mute = false;
    stage_settle();
    cr_assert_eq(told, 2);
    look();
    cr_assert_not(status.limit_suspected);
    cr_assert_not(status.links[0].silent);
    cr_assert(status.up);
    teardown();
}

Test(pool_status, lost_and_back)
{
    open_with_p0f(1, P0F_DIALECT_AUTO);
    stage_p0f_stop();
    stage_settle();
    look();
    cr_assert_eq(status.links[0].state, LINK_DOWN);
    cr_assert_eq(status.links[0].age, 0);
    cr_assert_eq(status.links[0].fault.error, P0F_DISCONNECTED);
    cr_assert_eq(status.dialect, P0F_DIALECT_AUTO);
    cr_assert_not(status.up);
    for (int i = 0; i < 10; i++)
        stage_pass(1000);
    look();
    cr_assert_eq(status.links[0].fault.error, P0F_UNREACHABLE);
    cr_assert_eq(status.links[0].fault.cause, ENOENT);
    cr_assert_eq(status.reconnects, 0);
    stage_p0f_start();
    stage_pass(1000); /* however long it was away */
    look();
    cr_assert_eq(status.links[0].state, LINK_READY);
    cr_assert_eq(status.links[0].age, 0);
    cr_assert_eq(status.links[0].fault.error, P0F_UNREACHABLE, "the last one is remembered");
    cr_assert_eq(status.links[0].reconnects, 1);
    cr_assert_eq(status.reconnects, 1);
    teardown();
}

Test(pool_status, counts_what_happens)
{
    static struct pool_query queries[3];

    open_with_p0f(1, P0F_DIALECT_AUTO);
    cr_assert_eq(status.counts.connected, 1);
    cr_assert_eq(status.reconnects, 0);
    cr_assert_eq(status.counts.queries, 0, "probes are not counted");
    ask(&queries[0]);
    queries[1] = (struct pool_query){.addr = stage_addr("192.0.2.1"), .answer = on_answer};
    cr_assert_eq(pool_ask(pool, &queries[1]), P0F_OK);
    stage_settle();
    stage.holding = true;
    ask(&queries[2]);
    look();
    cr_assert_eq(status.counts.queries, 3);
    cr_assert_eq(status.counts.found, 1);
    cr_assert_eq(status.counts.no_match, 1);
    cr_assert_eq(status.counts.answer_time.buckets[0], 2);
    stage_p0f_stop();
    stage_settle();
    stage_pass(2000);
    look();
    cr_assert_eq(status.counts.lost_disconnected, 1);
    cr_assert_eq(status.counts.connections_lost, 1);
    cr_assert_eq(status.counts.connect_failed, 1);
    stage_p0f_start();
    stage_pass(2000);
    pool_retire(pool, on_drained, NULL);
    look();
    cr_assert_eq(status.links[0].state, LINK_DOWN);
    cr_assert_eq(status.counts.connected, 2);
    cr_assert_eq(status.counts.connections_lost, 1, "the second was closed by us");
    teardown();
}

Test(pool_status, wrong_dialect)
{
    open_with_p0f(1, P0F_DIALECT_MTU);
    cr_assert_eq(status.wanted, P0F_DIALECT_MTU);
    cr_assert_eq(status.links[0].state, LINK_DRAINING);
    cr_assert_eq(status.links[0].fault.error, P0F_WRONG_DIALECT);
    cr_assert_eq(status.links[0].fault.dialect, P0F_DIALECT_P0F3);
    cr_assert_not(status.up);
    teardown();
}

Test(pool_status, states_have_names)
{
    for (enum link_state state = LINK_DOWN; state < LINK_STATES; state++)
        for (enum link_state other = LINK_DOWN; other < state; other++)
            cr_assert_str_neq(link_state_name(state), link_state_name(other));
}

Test(pool_status, no_more_connections_than_fit)
{
    const struct pool_options options = {
        .socket = "/nonexistent", .connections = POOL_MAX + 1, .pipeline = 2};

    stage_open();
    cr_assert_null(pool_new(stage.loop, &options));
    cr_assert_eq(errno, EINVAL);
    stage_close();
}
