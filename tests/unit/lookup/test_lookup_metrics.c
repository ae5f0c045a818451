/* SPDX-License-Identifier: MIT */
/* What a lookup and the pool under it count. Each lookup is counted once, whatever becomes of it. */
#include "lookup_fixture.h"

#include "core/metrics.h"

static struct metrics_snapshot before, now;

static void begin(void)
{
    setup();
    metrics_read(&before);
}

/* What the pool has counted, ever. */
static struct pool_counts pool_counted(void)
{
    static struct pool_status status;

    pool_status(sensors_pool(sensors, 0), &status);
    return status.counts;
}

static uint64_t reconnected(void)
{
    static struct pool_status status;

    pool_status(sensors_pool(sensors, 0), &status);
    return status.reconnects;
}

static uint64_t answers_timed(void)
{
    const struct histogram times = pool_counted().answer_time;
    uint64_t sum = 0;

    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
        sum += times.buckets[i];
    return sum;
}

static uint64_t counted(enum metric metric)
{
    metrics_read(&now);
    return now.counters[metric] - before.counters[metric];
}

static uint64_t observed(enum metrics_histogram histogram)
{
    uint64_t sum = 0;

    metrics_read(&now);
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
        sum += now.times[histogram].buckets[i] - before.times[histogram].buckets[i];
    return sum;
}

/* So many since the last call have ended this way, and none in another. */
static void expect_lookups(enum metrics_cache by, enum metrics_result result, uint64_t count)
{
    metrics_read(&now);
    for (unsigned c = 0; c < METRICS_CACHES; c++)
        for (unsigned r = 0; r < METRICS_RESULTS; r++)
            cr_assert_eq(now.lookups[c][r] - before.lookups[c][r],
                         c == by && r == result ? count : 0, "cache %u, result %u", c, r);
    memcpy(before.lookups, now.lookups, sizeof now.lookups);
}

static void let_go(struct visitor *visitor)
{
    host_record_unref(visitor->request.record);
    visitor->request.record = NULL;
}

Test(lookup_metrics, miss_hit_stale_expired)
{
    struct visitor visitor;

    begin();
    ask_p0f(&visitor, "10.0.0.1");
    let_go(&visitor);
    expect_lookups(METRICS_CACHE_MISS, METRICS_RESULT_FOUND, 1);
    for (int i = 0; i < 3; i++) {
        arrive(&visitor, "10.0.0.1");
        cr_assert(ask(&visitor));
        let_go(&visitor);
    }
    expect_lookups(METRICS_CACHE_HIT, METRICS_RESULT_FOUND, 3);
    stage_pass(29999);
    arrive(&visitor, "10.0.0.1");
    cr_assert(ask(&visitor));
    let_go(&visitor);
    expect_lookups(METRICS_CACHE_HIT, METRICS_RESULT_FOUND, 1);
    stage_pass(1);
    arrive(&visitor, "10.0.0.1");
    cr_assert(ask(&visitor));
    let_go(&visitor);
    expect_lookups(METRICS_CACHE_STALE, METRICS_RESULT_FOUND, 1);
    cr_assert_eq(counted(METRIC_REFRESHES), 0);
    stage_settle();
    cr_assert_eq(counted(METRIC_REFRESHES), 1);
    expect_lookups(METRICS_CACHE_HIT, METRICS_RESULT_FOUND, 0); /* a refresh is no lookup */
    stage_pass(60000);
    ask_p0f(&visitor, "10.0.0.1");
    let_go(&visitor);
    expect_lookups(METRICS_CACHE_EXPIRED, METRICS_RESULT_FOUND, 1);
    cr_assert_eq(pool_counted().queries, 3);
    cr_assert_eq(pool_counted().found, 3);
    cr_assert_eq(pool_counted().no_match, 0);
    teardown();
}

Test(lookup_metrics, no_match)
{
    struct visitor visitor;

    begin();
    ask_p0f(&visitor, "192.0.2.1");
    stage_pass(20);
    expect_done(&visitor, LOOKUP_NO_MATCH);
    expect_lookups(METRICS_CACHE_MISS, METRICS_RESULT_NO_MATCH, 1);
    cr_assert_eq(pool_counted().queries, stage.asked);
    cr_assert_eq(pool_counted().no_match, stage.asked);
    arrive(&visitor, "192.0.2.1");
    cr_assert(ask(&visitor));
    expect_lookups(METRICS_CACHE_HIT, METRICS_RESULT_NO_MATCH, 1);
    teardown();
}

Test(lookup_metrics, bypass_and_not_cached)
{
    struct visitor visitor;

    begin();
    arrive(&visitor, "10.0.0.1");
    visitor.request.only_if_cached = true;
    cr_assert(ask(&visitor));
    expect_lookups(METRICS_CACHE_MISS, METRICS_RESULT_NOT_CACHED, 1);
    ask_p0f(&visitor, "10.0.0.1");
    let_go(&visitor);
    expect_lookups(METRICS_CACHE_MISS, METRICS_RESULT_FOUND, 1);
    arrive(&visitor, "10.0.0.1");
    visitor.request.max_age_ms = 0;
    cr_assert_not(ask(&visitor));
    stage_settle();
    let_go(&visitor);
    expect_lookups(METRICS_CACHE_BYPASS, METRICS_RESULT_FOUND, 1);
    teardown();
}

Test(lookup_metrics, cancelled)
{
    struct visitor visitor;

    begin();
    stage.holding = true;
    ask_p0f(&visitor, "10.0.0.1");
    fetch_cancel(&visitor.request);
    expect_lookups(METRICS_CACHE_MISS, METRICS_RESULT_CANCELLED, 1);
    cr_assert_eq(observed(METRICS_MISS_TIME), 1);
    stage.holding = false;
    stage_settle();
    cr_assert_eq(counted(METRIC_P0F_ABANDONED), 1);
    expect_lookups(METRICS_CACHE_MISS, METRICS_RESULT_CANCELLED, 0);
    teardown();
}

Test(lookup_metrics, collapsed_and_overloaded)
{
    struct visitor visitors[4];

    begin();
    stage.holding = true;
    for (int i = 0; i < 3; i++)
        ask_p0f(&visitors[i], "10.0.0.1");
    expect_lookups(METRICS_CACHE_MISS, METRICS_RESULT_FOUND, 0); /* not before they are done */
    arrive(&visitors[3], "10.0.0.2");
    cr_assert(ask(&visitors[3]));
    expect_lookups(METRICS_CACHE_MISS, METRICS_RESULT_OVERLOADED, 1);
    stage.holding = false;
    stage_settle();
    before.lookups[METRICS_CACHE_MISS][METRICS_RESULT_FOUND]++;
    expect_lookups(METRICS_CACHE_COLLAPSED, METRICS_RESULT_FOUND, 2);
    for (int i = 0; i < 3; i++)
        let_go(&visitors[i]);
    cr_assert_eq(pool_counted().queries, 1);
    cr_assert_eq(observed(METRICS_MISS_TIME), 3);
    teardown();
}

Test(lookup_metrics, abandoned_answer)
{
    struct visitor visitor;

    begin();
    stage.holding = true;
    ask_p0f(&visitor, "10.0.0.1");
    stage_pass(1000);
    expect_done(&visitor, LOOKUP_TIMEOUT);
    expect_lookups(METRICS_CACHE_MISS, METRICS_RESULT_TIMEOUT, 1);
    cr_assert_eq(counted(METRIC_P0F_ABANDONED), 0);
    stage.holding = false;
    stage_settle();
    cr_assert_eq(counted(METRIC_P0F_ABANDONED), 1);
    cr_assert_eq(pool_counted().found, 1);
    teardown();
}

Test(lookup_metrics, wanted_and_missing_answers_are_not_abandoned)
{
    struct visitor visitor;

    begin();
    ask_p0f(&visitor, "10.0.0.1");
    expect_done(&visitor, LOOKUP_FOUND);
    cr_assert_eq(pool_counted().found, 1);
    cr_assert_eq(counted(METRIC_P0F_ABANDONED), 0);
    stage.holding = true;
    ask_p0f(&visitor, "10.0.0.2");
    stage_pass(1000);
    expect_done(&visitor, LOOKUP_TIMEOUT);
    stage_hang_up();
    stage_settle();
    cr_assert_eq(pool_counted().lost_disconnected, 1);
    cr_assert_eq(counted(METRIC_P0F_ABANDONED), 0);
    teardown();
}

Test(lookup_metrics, hang_up_and_reconnect)
{
    struct visitor visitor;

    begin();
    cr_assert_eq(pool_counted().connected, 1);
    stage.holding = true;
    ask_p0f(&visitor, "10.0.0.1");
    stage_p0f_stop();
    stage_settle();
    expect_done(&visitor, LOOKUP_UNAVAILABLE);
    expect_lookups(METRICS_CACHE_MISS, METRICS_RESULT_UNAVAILABLE, 1);
    cr_assert_eq(pool_counted().lost_disconnected, 1);
    cr_assert_eq(pool_counted().connections_lost, 1);
    cr_assert_eq(counted(METRIC_P0F_ABANDONED), 0, "no answer came");
    stage_pass(2000);
    cr_assert_eq(pool_counted().connect_failed, 1);
    cr_assert_eq(reconnected(), 0);
    stage_p0f_start();
    stage_pass(2000);
    cr_assert_eq(pool_counted().connected, 2);
    cr_assert_eq(reconnected(), 1);
    cr_assert_eq(answers_timed(), 0);
    teardown();
}

/* In nanoseconds, of the test's clock. */
static uint64_t time_spent(enum metrics_histogram histogram)
{
    metrics_read(&now);
    return now.times[histogram].sum_ns - before.times[histogram].sum_ns;
}

static struct pool_query second;

static void take_long_and_ask_more(void *ctx, enum p0f_error error, const struct p0f_host *host)
{
    (void)ctx, (void)error, (void)host;
    stage.now = mono_add_ms(stage.now, 7);
    stage.holding = true;
    cr_assert_eq(pool_ask(sensors_pool(sensors, 0), &second), P0F_OK);
}

static void ignore_answer(void *ctx, enum p0f_error error, const struct p0f_host *host)
{
    (void)ctx, (void)error, (void)host;
}

Test(lookup_metrics, what_a_round_takes_before_it_sends_is_not_p0fs)
{
    struct pool_query first = {.addr = stage_addr("10.0.0.1"), .answer = take_long_and_ask_more};

    begin();
    second = (struct pool_query){.addr = stage_addr("10.0.0.2"), .answer = ignore_answer};
    cr_assert_eq(pool_ask(sensors_pool(sensors, 0), &first), P0F_OK);
    stage_settle();
    cr_assert_eq(answers_timed(), 1);
    stage_pass(20);
    stage.holding = false;
    stage_settle();
    cr_assert_eq(answers_timed(), 2);
    cr_assert_eq(pool_counted().answer_time.sum_ns, 20000000);
    teardown();
}

Test(lookup_metrics, what_the_cache_answers_when_overloaded_is_timed)
{
    struct visitor waiting[3], visitor;
    const char *const others[] = {"10.0.0.1", "10.0.0.2", "10.0.0.3"};

    begin();
    ask_p0f(&visitor, "10.0.0.9");
    let_go(&visitor);
    stage_pass(70000); /* too old to be a hit */
    stage.holding = true;
    for (int i = 0; i < 3; i++)
        ask_p0f(&waiting[i], others[i]);
    arrive(&visitor, "10.0.0.9");
    cr_assert(ask(&visitor));
    expect(&visitor, LOOKUP_FOUND);
    cr_assert_eq(observed(METRICS_HIT_TIME), 1);
    arrive(&visitor, "10.0.0.8");
    cr_assert(ask(&visitor));
    expect(&visitor, LOOKUP_OVERLOADED);
    cr_assert_eq(observed(METRICS_HIT_TIME), 1);
    stage.holding = false;
    stage_settle();
    for (int i = 0; i < 3; i++)
        expect_done(&waiting[i], LOOKUP_FOUND);
    teardown();
}

Test(lookup_metrics, latencies)
{
    struct visitor visitor;

    begin();
    stage.holding = true;
    ask_p0f(&visitor, "10.0.0.1");
    stage_pass(40);
    stage.holding = false;
    stage_settle();
    let_go(&visitor);
    cr_assert_eq(answers_timed(), 1);
    cr_assert_eq(pool_counted().answer_time.sum_ns, 40000000);
    cr_assert_eq(observed(METRICS_MISS_TIME), 1);
    cr_assert_eq(time_spent(METRICS_MISS_TIME), 40000000);
    for (int i = 0; i < 2 * METRICS_HITS_TIMED; i++) {
        arrive(&visitor, "10.0.0.1");
        cr_assert(ask(&visitor));
        let_go(&visitor);
    }
    cr_assert_eq(observed(METRICS_HIT_TIME), 2 * METRICS_HITS_TIMED);
    cr_assert_eq(observed(METRICS_MISS_TIME), 1);
    teardown();
}
