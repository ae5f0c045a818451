/* SPDX-License-Identifier: MIT */
#include "ops/readiness.h"

#include "../../support/c/stage.h"

#define CONNECTING_PROBES 2

static struct sensors *sensors;
static struct pool *pool;
static struct readiness *readiness;

struct prober {
    struct readiness_request request; /* first, so that one is the other */
    unsigned done;
};

static void on_done(struct readiness_request *request)
{
    ((struct prober *)request)->done++;
}

static void on_drained(void *ctx)
{
    (void)ctx;
}

static void setup(unsigned connections, enum p0f_dialect dialect)
{
    const struct sensors_options options = {
        .sensors = {{.name = "", .socket = stage.p0f.socket.path}},
        .count = 1,
        .dialect = dialect,
        .connections = connections,
        .pipeline = 1,
        .seed = 7};

    sensors = sensors_new(stage.loop, &options);
    pool = sensors_pool(sensors, 0);
    readiness = readiness_new(stage.loop, sensors, 60000);
    cr_assert(sensors && readiness);
    stage_settle();
}

static void open_with_p0f(unsigned connections)
{
    stage_open();
    stage_p0f_start();
    setup(connections, P0F_DIALECT_AUTO);
}

static void teardown(void)
{
    stage.mute = stage.holding = false;
    stage_settle();
    cr_assert_eq(readiness_pending(readiness), 0);
    sensors_retire(sensors, on_drained, NULL);
    stage_pass(2000);
    sensors_free(sensors);
    readiness_free(readiness);
    stage_close();
}

static void ask(struct prober *prober)
{
    *prober = (struct prober){.request = {.done = on_done}};
    readiness_ask(readiness, &prober->request);
}

static void ask_now(struct prober *prober)
{
    ask(prober);
    stage_settle();
}

static void expect_ready(const struct prober *prober)
{
    cr_assert_eq(prober->done, 1, "done %u times", prober->done);
    cr_assert(prober->request.ready, "%s", prober->request.reason);
    cr_assert_str_empty(prober->request.reason);
}

/* The reason, behind the socket's name where that comes first, begins like this. */
static void expect_not(const struct prober *prober, const char *reason)
{
    const char *told = prober->request.reason;
    size_t path = strlen(stage.p0f.socket.path);

    cr_assert_eq(prober->done, 1, "done %u times", prober->done);
    cr_assert_not(prober->request.ready);
    if (strncmp(told, stage.p0f.socket.path, path) == 0)
        told += path;
    cr_assert_eq(strncmp(told, reason, strlen(reason)), 0, "%s", told);
}

static unsigned queries(void)
{
    return stage.probed - stage.accepted * CONNECTING_PROBES;
}

Test(readiness, asks_p0f)
{
    struct prober prober;

    open_with_p0f(1);
    ask(&prober);
    cr_assert_eq(prober.done, 0);
    cr_assert_eq(readiness_pending(readiness), 1);
    stage_settle();
    expect_ready(&prober);
    cr_assert_eq(readiness_pending(readiness), 0);
    cr_assert_eq(queries(), 1);
    teardown();
}

Test(readiness, no_more_than_once_a_second)
{
    struct prober prober;

    open_with_p0f(1);
    ask_now(&prober);
    stage_pass(999);
    ask_now(&prober);
    expect_ready(&prober);
    cr_assert_eq(queries(), 1);
    stage_pass(1);
    ask_now(&prober);
    expect_ready(&prober);
    cr_assert_eq(queries(), 2);
    teardown();
}

Test(readiness, who_comes_meanwhile_shares_the_query)
{
    struct prober first, second;

    open_with_p0f(1);
    stage.mute = true;
    ask_now(&first);
    ask_now(&second);
    cr_assert_eq(queries(), 1);
    cr_assert_eq(first.done + second.done, 0);
    cr_assert_eq(readiness_pending(readiness), 2);
    stage.mute = false;
    stage_settle();
    expect_ready(&first);
    expect_ready(&second);
    cr_assert_eq(queries(), 1);
    teardown();
}

Test(readiness, no_answer_in_time)
{
    struct prober prober, another;

    open_with_p0f(1);
    stage.mute = true;
    ask_now(&prober);
    stage_pass(READINESS_TIMEOUT_MAX - 1);
    cr_assert_eq(prober.done, 0);
    stage_pass(1);
    expect_not(&prober, "p0f did not answer within 900 ms");
    stage_pass(4100);
    ask_now(&another); /* told at once: what is outstanding is not asked for again */
    expect_not(&another, ": p0f has not answered for 5 s, with 1 query outstanding");
    cr_assert_eq(queries(), 1);
    stage.mute = false;
    stage_settle(); /* the late answer is as good as any */
    ask_now(&another);
    expect_ready(&another);
    cr_assert_eq(queries(), 1);
    cr_assert_eq(prober.done, 1);
    teardown();
}

Test(readiness, shorter_timeout)
{
    struct prober prober;

    open_with_p0f(1);
    readiness_set_timeout(readiness, 50);
    stage.mute = true;
    ask_now(&prober);
    stage_pass(50);
    expect_not(&prober, "p0f did not answer within 50 ms");
    teardown();
}

static void on_answer(void *ctx, enum p0f_error error, const struct p0f_host *host)
{
    (void)ctx, (void)error, (void)host;
}

Test(readiness, behind_a_full_queue)
{
    static struct pool_query other;
    struct prober prober;

    open_with_p0f(1);
    stage.holding = true;
    other = (struct pool_query){
        .addr = stage_addr("10.0.0.1"), .flow = FLOW_STRANGERS, .answer = on_answer};
    cr_assert_eq(pool_ask(pool, &other), P0F_OK);
    ask_now(&prober);
    stage_pass(900);
    expect_not(&prober, "no query could be sent to p0f within 900 ms; 0 others are queued");
    stage_pass(999);
    ask_now(&prober);
    expect_not(&prober, ": p0f has not answered for 1 s, with 1 query outstanding");
    stage.holding = false;
    stage_settle();
    cr_assert_eq(queries(), 0, "it was taken back");
    stage_pass(1);
    ask_now(&prober);
    expect_ready(&prober);
    teardown();
}

/* Many wait for what p0f may be asked in a second; they do not make it look as if it did not answer. */
Test(readiness, at_the_limited_rate)
{
    static struct pool_query others[32];
    struct prober prober;

    open_with_p0f(1);
    pool_set_max_rate(pool, 1);
    for (int i = 0; i < 32; i++) {
        others[i] = (struct pool_query){
            .addr = stage_addr("10.0.0.1"), .flow = FLOW_STRANGERS, .answer = on_answer};
        cr_assert_eq(pool_ask(pool, &others[i]), P0F_OK);
    }
    for (unsigned n = 1; n <= 5; n++) {
        ask_now(&prober);
        expect_ready(&prober);
        cr_assert_eq(queries(), n);
        cr_assert_leq(stage.asked, n);
        stage_pass(1000);
    }
    cr_assert_geq(stage.asked, 5, "and the others have their part");
    teardown();
}

Test(readiness, dies_and_comes_back)
{
    struct prober prober;

    open_with_p0f(2);
    ask_now(&prober);
    expect_ready(&prober);
    stage_p0f_stop();
    stage_settle();
    ask_now(&prober); /* although it was ready within the last second */
    expect_not(&prober, ": connection to p0f lost: p0f closed the connection");
    for (int i = 0; i < 10; i++)
        stage_pass(1000);
    ask_now(&prober);
    expect_not(&prober, ": cannot connect to p0f: it does not exist: p0f is not running");
    cr_assert_eq(queries(), 1);
    stage_p0f_start();
    stage_pass(1000);
    ask_now(&prober);
    expect_ready(&prober);
    teardown();
}

Test(readiness, dies_under_the_query)
{
    struct prober prober;

    open_with_p0f(2);
    stage.mute = true;
    ask_now(&prober);
    stage_p0f_stop();
    stage_settle();
    expect_not(&prober, ": connection to p0f lost: p0f closed the connection");
    teardown();
}

Test(readiness, one_connection_breaks_under_the_query)
{
    struct prober prober;
    int which = 0;

    open_with_p0f(2);
    stage.mute = true;
    ask_now(&prober);
    while (stage.p0f.clients[which].count == 0)
        which++;
    fake_p0f_hang_up(&stage.p0f.clients[which]);
    stage.mute = false;
    stage_settle();
    expect_ready(&prober);
    cr_assert_eq(queries(), 2, "asked again on the other");
    teardown();
}

Test(readiness, connection_limit)
{
    struct prober prober;

    stage_open();
    stage_p0f_start();
    stage.mute = true;
    setup(1, P0F_DIALECT_AUTO);
    ask_now(&prober);
    expect_not(&prober, ": connected, but p0f has not answered yet");
    stage_pass(1000);
    ask_now(&prober);
    expect_not(&prober, ": queries are never answered");
    stage.mute = false;
    stage_settle();
    ask_now(&prober);
    expect_ready(&prober);
    teardown();
}

Test(readiness, wrong_dialect)
{
    struct prober prober;

    stage_open();
    stage_p0f_start();
    setup(1, P0F_DIALECT_MSS);
    ask_now(&prober);
    expect_not(&prober, ": p0f.dialect is mss, but p0f's answers have 232 bytes (p0f3), not 236");
    teardown();
}

Test(readiness, shutting_down)
{
    struct prober waiting, posted, late;

    open_with_p0f(1);
    stage.mute = true;
    ask_now(&waiting);
    ask(&posted);
    readiness_shut_down(readiness);
    expect_not(&waiting, "p0f-lookupd is shutting down");
    ask(&late); /* without the loop, which may have ended */
    expect_not(&late, "p0f-lookupd is shutting down");
    cr_assert_eq(readiness_pending(readiness), 1);
    stage_settle();
    expect_not(&posted, "p0f-lookupd is shutting down");
    cr_assert_eq(readiness_pending(readiness), 0);
    stage.mute = false;
    stage_settle();
    cr_assert_eq(waiting.done, 1, "the late answer is for nobody");
    teardown();
}
