/* SPDX-License-Identifier: MIT */
#include "core/metrics.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

/* A snapshot consists of values only, so the offset of a member is also the index of a value in a
 * shard. */
#define VALUES (sizeof(struct metrics_snapshot) / sizeof(uint64_t))
#define VALUE(member) (offsetof(struct metrics_snapshot, member) / sizeof(uint64_t))

#define CACHE_LINE 64

/* What a thread has counted: written by that thread alone, read by all. */
struct shard {
    _Alignas(CACHE_LINE) _Atomic uint64_t values[VALUES];
    SLIST_ENTRY(shard) link;
    bool taken; /* by a running thread; under the lock */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* Never freed: those of threads that have ended are used again. */
static SLIST_HEAD(, shard) shards = SLIST_HEAD_INITIALIZER(shards);
static struct shard shared; /* for threads that got no memory for one of their own */
static _Thread_local struct shard *mine;

/* ---- A thread and its shard */

static pthread_key_t key;
static pthread_once_t key_once = PTHREAD_ONCE_INIT;
static bool key_made;

static void leave_shard(void *shard)
{
    mine = NULL; /* should another destructor count */
    pthread_mutex_lock(&lock);
    ((struct shard *)shard)->taken = false;
    pthread_mutex_unlock(&lock);
}

static void make_key(void)
{
    key_made = pthread_key_create(&key, leave_shard) == 0;
}

/* A free one, or else a new one; NULL when out of memory. */
static struct shard *find_shard(void)
{
    struct shard *shard;

    SLIST_FOREACH(shard, &shards, link)
        if (!shard->taken)
            return shard;
    shard = aligned_alloc(CACHE_LINE, sizeof *shard);
    if (!shard)
        return NULL;
    memset(shard, 0, sizeof *shard);
    SLIST_INSERT_HEAD(&shards, shard, link);
    return shard;
}

static struct shard *take_shard(void)
{
    pthread_once(&key_once, make_key);
    pthread_mutex_lock(&lock);
    struct shard *shard = find_shard();
    if (shard)
        shard->taken = true;
    pthread_mutex_unlock(&lock);
    /* Without the key, a shard is not reused after its thread has ended; nothing else is lost. */
    if (shard && key_made)
        pthread_setspecific(key, shard);
    return shard ? shard : &shared;
}

/* ---- Counting */

/* No other thread writes to `mine`, so a locked instruction is not needed. */
static void add_relaxed(size_t value, uint64_t n)
{
    if (__builtin_expect(!mine, 0))
        mine = take_shard();
    _Atomic uint64_t *at = &mine->values[value];
    if (__builtin_expect(mine == &shared, 0))
        atomic_fetch_add_explicit(at, n, memory_order_relaxed);
    else
        atomic_store_explicit(at, atomic_load_explicit(at, memory_order_relaxed) + n,
                              memory_order_relaxed);
}

void metrics_count(enum metric metric)
{
    add_relaxed(VALUE(counters) + metric, 1);
}

static const unsigned codes[METRICS_CODES - 1] = {200, 204, 304, 400, 401, 403, 404, 405, 408, 413,
                                                  414, 415, 421, 431, 499, 502, 503, 504, 505};

unsigned metrics_code(unsigned column)
{
    return column < METRICS_CODES - 1 ? codes[column] : 0;
}

void metrics_request(unsigned route, unsigned status)
{
    unsigned column = 0;

    while (column < METRICS_CODES - 1 && codes[column] != status)
        column++;
    add_relaxed(VALUE(requests) + route * METRICS_CODES + column, 1);
}

void metrics_lookup(enum metrics_cache cache, enum metrics_result result)
{
    add_relaxed(VALUE(lookups) + cache * METRICS_RESULTS + result, 1);
}

/* ---- Latencies */

static void add_duration(enum metrics_histogram histogram, unsigned bucket, int64_t ns)
{
    add_relaxed(VALUE(times[histogram].buckets) + bucket, 1);
    add_relaxed(VALUE(times[histogram].sum_ns), ns > 0 ? (uint64_t)ns : 0);
}

void metrics_observe(enum metrics_histogram histogram, int64_t ns)
{
    add_duration(histogram, histogram_bucket(ns), ns);
}

/* The thread's last timed hit. */
static _Thread_local struct {
    unsigned followers; /* hits that it still stands for */
    unsigned bucket;
    int64_t ns;
} timed_hit;

bool metrics_times_hit(void)
{
    return timed_hit.followers == 0;
}

void metrics_timed_hit(int64_t ns)
{
    timed_hit.bucket = histogram_bucket(ns);
    timed_hit.ns = ns;
    timed_hit.followers = METRICS_HITS_TIMED - 1;
    add_duration(METRICS_HIT_TIME, timed_hit.bucket, ns);
}

void metrics_untimed_hit(void)
{
    timed_hit.followers--;
    add_duration(METRICS_HIT_TIME, timed_hit.bucket, timed_hit.ns);
}

/* ---- Reading */

static void sum_up(const struct shard *shard, uint64_t sums[VALUES])
{
    for (size_t i = 0; i < VALUES; i++)
        sums[i] += atomic_load_explicit(&shard->values[i], memory_order_relaxed);
}

void metrics_read(struct metrics_snapshot *snapshot)
{
    uint64_t sums[VALUES] = {0};
    const struct shard *shard;

    sum_up(&shared, sums);
    pthread_mutex_lock(&lock);
    SLIST_FOREACH(shard, &shards, link)
        sum_up(shard, sums);
    pthread_mutex_unlock(&lock);
    memcpy(snapshot, sums, sizeof *snapshot);
}
