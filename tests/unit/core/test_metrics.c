/* SPDX-License-Identifier: MIT */
#include "core/metrics.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define THREADS 8
#define TIMES 20000

/* Replaces the C library's, so that memory can run out. */
static bool no_memory;
static unsigned shards_made, refused;

void *aligned_alloc(size_t alignment, size_t size)
{
    void *memory = NULL;

    if (no_memory) {
        refused++; /* under the lock of metrics.c */
        return NULL;
    }
    if (posix_memalign(&memory, alignment, size) != 0)
        return NULL;
    shards_made++;
    return memory;
}

static struct metrics_snapshot before, after;

static uint64_t counted(enum metric metric)
{
    metrics_read(&after);
    return after.counters[metric] - before.counters[metric];
}

static void in_threads(unsigned count, void *(*run)(void *), void *ctx)
{
    pthread_t threads[2 * THREADS];

    for (unsigned i = 0; i < count; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, run, ctx), 0);
    for (unsigned i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
}

static void *count_many(void *barrier)
{
    if (barrier)
        pthread_barrier_wait(barrier);
    for (int i = 0; i < TIMES; i++) {
        metrics_count(METRIC_BATCH_HOSTS);
        metrics_count(METRIC_REFRESHES);
    }
    /* All of them live until here, so none takes another's memory over. */
    if (barrier)
        pthread_barrier_wait(barrier);
    return NULL;
}

static void count_in_threads(unsigned count)
{
    pthread_barrier_t barrier;

    pthread_barrier_init(&barrier, NULL, count);
    in_threads(count, count_many, &barrier);
    pthread_barrier_destroy(&barrier);
}

Test(metrics, threads_are_summed_when_they_have_ended)
{
    metrics_read(&before);
    count_in_threads(THREADS);
    cr_assert_eq(counted(METRIC_BATCH_HOSTS), THREADS * TIMES);
    cr_assert_eq(counted(METRIC_REFRESHES), THREADS * TIMES);
    cr_assert_eq(counted(METRIC_REPEATS_PUT_OFF), 0);
}

Test(metrics, memory_of_threads_that_ended_is_taken_over)
{
    metrics_count(METRIC_BATCH_HOSTS);
    in_threads(1, count_many, NULL);
    metrics_read(&before);
    shards_made = 0;
    for (int i = 0; i < 20; i++)
        in_threads(1, count_many, NULL);
    cr_assert_eq(shards_made, 0, "%u", shards_made);
    cr_assert_eq(counted(METRIC_BATCH_HOSTS), 20 * TIMES);
}

Test(metrics, nothing_is_lost_without_memory)
{
    metrics_read(&before);
    no_memory = true;
    refused = 0;
    count_in_threads(2 * THREADS); /* other tests have left memory for no more than THREADS */
    no_memory = false;
    cr_assert_geq(refused, THREADS, "%u", refused);
    cr_assert_eq(counted(METRIC_BATCH_HOSTS), 2 * THREADS * TIMES);
    cr_assert_eq(counted(METRIC_REFRESHES), 2 * THREADS * TIMES);
}

/* Until all is counted. Returns NULL, or a text when a value has become less. */
static void *read_while_counting(void *ctx)
{
    struct metrics_snapshot now;
    uint64_t last = before.counters[METRIC_REFRESHES];

    (void)ctx;
    while (last - before.counters[METRIC_REFRESHES] < THREADS * TIMES) {
        metrics_read(&now);
        if (now.counters[METRIC_REFRESHES] < last)
            return "went back";
        last = now.counters[METRIC_REFRESHES];
    }
    return NULL;
}

Test(metrics, reading_meanwhile_never_goes_back)
{
    pthread_t reader;
    void *complaint;

    metrics_read(&before);
    cr_assert_eq(pthread_create(&reader, NULL, read_while_counting, NULL), 0);
    count_in_threads(THREADS);
    pthread_join(reader, &complaint);
    cr_assert_null(complaint);
}

#define LAST (METRICS_ROUTES - 1)

Test(metrics, requests_by_route_and_code)
{
    metrics_read(&before);
    for (unsigned i = 0; i < METRICS_CODES; i++) {
        metrics_request(0, metrics_code(i));
        metrics_request(LAST, metrics_code(i));
    }
    metrics_request(LAST, 299);
    metrics_read(&after);
    for (unsigned route = 0; route < METRICS_ROUTES; route++) {
        for (unsigned i = 0; i < METRICS_CODES; i++) {
            bool counts = route == 0 || route == LAST;
            bool other = route == LAST && i == METRICS_CODES - 1;
            cr_assert_eq(after.requests[route][i] - before.requests[route][i],
                         (uint64_t)counts + other, "route %u, code %u", route, metrics_code(i));
        }
    }
    cr_assert_eq(metrics_code(0), 200);
    cr_assert_eq(metrics_code(METRICS_CODES - 2), 505);
    cr_assert_eq(metrics_code(METRICS_CODES - 1), 0);
}

/* Nothing but the value that was meant has changed. */
Test(metrics, each_value_has_a_place_of_its_own)
{
    const struct metrics_snapshot none = {.counters = {0}};

    for (unsigned i = 0; i < METRICS_COUNTERS; i++) {
        metrics_read(&before);
        metrics_count((enum metric)i);
        metrics_read(&after);
        cr_assert_eq(after.counters[i]--, before.counters[i] + 1);
        cr_assert_eq(memcmp(&after, &before, sizeof after), 0, "counter %u", i);
    }
    for (unsigned i = 0; i < METRICS_CACHES * METRICS_RESULTS; i++) {
        unsigned cache = i / METRICS_RESULTS, result = i % METRICS_RESULTS;
        metrics_read(&before);
        metrics_lookup((enum metrics_cache)cache, (enum metrics_result)result);
        metrics_read(&after);
        cr_assert_eq(after.lookups[cache][result]--, before.lookups[cache][result] + 1);
        cr_assert_eq(memcmp(&after, &before, sizeof after), 0, "lookup %u", i);
    }
    cr_assert_neq(memcmp(&after, &none, sizeof after), 0);
}

static void expect_bucket(enum metrics_histogram histogram, int64_t ns, unsigned bucket)
{
    metrics_read(&before);
    metrics_observe(histogram, ns);
    metrics_read(&after);
    struct histogram *times = &after.times[histogram];
    const struct histogram *then = &before.times[histogram];
    cr_assert_eq(times->buckets[bucket]--, then->buckets[bucket] + 1, "%ld ns", (long)ns);
    cr_assert_eq(times->sum_ns, then->sum_ns + (uint64_t)(ns < 0 ? 0 : ns));
    times->sum_ns = then->sum_ns;
    cr_assert_eq(memcmp(&after, &before, sizeof after), 0);
}

Test(metrics, durations_are_counted_in_buckets)
{
    for (unsigned h = 0; h < METRICS_HISTOGRAMS; h++)
        for (unsigned i = 0; i < HISTOGRAM_BUCKETS - 1; i++)
            expect_bucket((enum metrics_histogram)h, histogram_bounds()[i], i);
}

/* In a thread of its own, whose first hit is its first. */
static void *time_hits(void *timed)
{
    for (unsigned i = 0; i < 3 * METRICS_HITS_TIMED; i++) {
        ((bool *)timed)[i] = metrics_times_hit();
        if (metrics_times_hit())
            metrics_timed_hit(i < METRICS_HITS_TIMED ? 1000 : 5000000001);
        else
            metrics_untimed_hit();
    }
    return NULL;
}

Test(metrics, one_hit_of_many_is_timed)
{
    bool timed[3 * METRICS_HITS_TIMED];

    in_threads(1, time_hits, timed);
    for (unsigned i = 0; i < 3 * METRICS_HITS_TIMED; i++)
        cr_assert_eq(timed[i], i % METRICS_HITS_TIMED == 0, "hit %u", i);
}

Test(metrics, a_timed_hit_stands_for_those_that_follow_it)
{
    const struct histogram *times = &after.times[METRICS_HIT_TIME];
    bool timed[3 * METRICS_HITS_TIMED];

    in_threads(1, time_hits, timed);
    metrics_read(&after);
    cr_assert_eq(times->buckets[0], METRICS_HITS_TIMED);
    cr_assert_eq(times->buckets[HISTOGRAM_BUCKETS - 1], 2 * METRICS_HITS_TIMED);
    cr_assert_eq(times->sum_ns, METRICS_HITS_TIMED * (1000 + 2 * UINT64_C(5000000001)));
}

Test(metrics, each_code_has_a_column)
{
    static const unsigned all[] = {200, 204, 304, 400, 401, 403, 404, 405, 408, 413,
                                   414, 415, 421, 431, 499, 502, 503, 504, 505};

    cr_assert_eq(METRICS_CODES - 1, sizeof all / sizeof all[0]);
    for (unsigned i = 0; i < METRICS_CODES - 1; i++)
        cr_assert_eq(metrics_code(i), all[i]);
}
