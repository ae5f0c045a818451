/* SPDX-License-Identifier: MIT */
/* Counters and latency histograms, for /metrics. A leaf that everything may use.
 *
 * Each thread counts in memory of its own, with plain loads and stores; reading adds the threads up.
 * A thread's first count takes a lock and allocates, none after it does either. What a thread has
 * counted stays when it ends. Without memory it counts in a place that such threads share, more
 * slowly; nothing is lost. Every function may be called from any thread. */
#ifndef CORE_METRICS_H
#define CORE_METRICS_H

#include <stdbool.h>
#include <stdint.h>

enum metric {
    METRIC_REFRESHES,              /* expired entries asked about again while nobody waited */
    METRIC_REPEATS_PUT_OFF,        /* questions to be asked again, but not that often */
    METRIC_REPEATS_REMEMBERED,     /* … answered from the cache instead */
    METRIC_BATCH_HOSTS,            /* hosts that batches asked about; each is a lookup */
    METRIC_P0F_QUERIES,            /* put on a connection; probes of new ones are not counted */
    METRIC_P0F_FOUND,              /* what p0f answered */
    METRIC_P0F_NO_MATCH,           /* … */
    METRIC_P0F_BAD_QUERY,          /* … */
    METRIC_P0F_LOST_DISCONNECTED,  /* queries p0f hung up on before it answered them */
    METRIC_P0F_LOST_MALFORMED,     /* … or whose connection went wrong */
    METRIC_P0F_LOST_WRONG_DIALECT, /* … or speaks another dialect than p0f.dialect */
    METRIC_P0F_ABANDONED,          /* answers that came when everybody who wanted them had gone */
    METRIC_P0F_CONNECTED,          /* connections opened */
    METRIC_P0F_CONNECT_FAILED,     /* … that could not be */
    METRIC_P0F_RECONNECTED,        /* … in the place of one that was there before */
    METRIC_P0F_CONNECTIONS_LOST,   /* by p0f's hanging up, or given up for what came on them */
    METRIC_HTTP_REFUSED,           /* connections for which there was no room */
    METRIC_HTTP_EVICTED,           /* … that were ended to make room for others */
    METRICS_COUNTERS
};

void metrics_count(enum metric metric);
void metrics_add(enum metric metric, uint64_t n);

/* ---- HTTP requests, by what was asked and how it was answered */

#define METRICS_ROUTES 16 /* that can be told apart, by numbers from 0 */

/* What a route is called, and the statuses that are shown even before they have occurred, so that the
 * first occurrence is seen to be an increase. */
struct metrics_route {
    const char *label;
    unsigned expected[8]; /* 0 ends */
};

#define METRICS_CODES 18 /* the statuses told apart; the last column is for all others */

/* The status of a column, 0 for the last. */
unsigned metrics_code(unsigned column);

/* Counts one request. `status` may be any. */
void metrics_request(unsigned route, unsigned status);

/* ---- Lookups: each that is finished is counted once. Refreshes are none: nobody waits for them. */

/* What the cache did for it. */
enum metrics_cache {
    METRICS_CACHE_HIT,       /* a fresh entry was the answer */
    METRICS_CACHE_STALE,     /* an expired one, while p0f is asked again or because it fails */
    METRICS_CACHE_MISS,      /* there was no entry: p0f was asked, or should have been */
    METRICS_CACHE_EXPIRED,   /* the entry was too old: the same */
    METRICS_CACHE_BYPASS,    /* the request did not want the entry: the same */
    METRICS_CACHE_COLLAPSED, /* joined another lookup under way for the host */
    METRICS_CACHES
};

/* How it ended. */
enum metrics_result {
    METRICS_RESULT_FOUND,
    METRICS_RESULT_NO_MATCH,
    METRICS_RESULT_BAD_RESPONSE,
    METRICS_RESULT_UNAVAILABLE,
    METRICS_RESULT_OVERLOADED,
    METRICS_RESULT_TIMEOUT,
    METRICS_RESULT_NOT_CACHED,
    METRICS_RESULT_CANCELLED,
    METRICS_RESULTS
};

void metrics_lookup(enum metrics_cache cache, enum metrics_result result);

/* ---- Latencies */

enum metrics_histogram {
    METRICS_HIT_TIME,    /* lookups answered from the cache at once, one in METRICS_HITS_TIMED */
    METRICS_MISS_TIME,   /* lookups that waited for p0f */
    METRICS_ANSWER_TIME, /* from a query's sending to p0f's answer */
    METRICS_HISTOGRAMS
};

#define METRICS_BUCKETS 22 /* the most one has, with the last that has no bound */

/* The upper bounds of its buckets in nanoseconds, ascending, without the last; static. */
unsigned metrics_bounds(enum metrics_histogram histogram, const int64_t **bounds);

/* Less than 0 counts as 0. */
void metrics_observe(enum metrics_histogram histogram, int64_t ns);

/* True for the first of a thread's hits and each METRICS_HITS_TIMED-th after it. Reading the clock
 * again would add a third to what a look into the cache takes, so not each is timed. */
#define METRICS_HITS_TIMED 32
bool metrics_times_hit(void);

/* ---- Reading */

struct metrics_times {
    uint64_t buckets[METRICS_BUCKETS]; /* observations in each, not added up */
    uint64_t sum_ns;
};

struct metrics_snapshot {
    uint64_t counters[METRICS_COUNTERS];
    uint64_t requests[METRICS_ROUTES][METRICS_CODES];
    uint64_t lookups[METRICS_CACHES][METRICS_RESULTS];
    struct metrics_times times[METRICS_HISTOGRAMS];
};

/* The sums over all threads, those that have ended included. What is counted meanwhile may or may
 * not be in it; none of the numbers is ever less than it was before. */
void metrics_read(struct metrics_snapshot *snapshot);

#endif
