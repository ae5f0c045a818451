/* SPDX-License-Identifier: MIT */
/* Counters and latency histograms, for /metrics. A leaf that any module may use.
 *
 * Each thread counts in memory of its own, with plain loads and stores; a reader adds up all threads. A
 * thread's first count takes a lock and allocates memory; later ones do neither. Out of memory, threads
 * share one set of counters, which is slower. No count is lost, even when a thread ends. Any thread may
 * call any function. */
#ifndef CORE_METRICS_H
#define CORE_METRICS_H

#include "core/histogram.h"

#include <stdbool.h>
#include <stdint.h>

enum metric {
    METRIC_REFRESHES,             /* queries for expired entries that were served meanwhile */
    METRIC_REPEATS_PUT_OFF,       /* repeated queries that had to wait for p0f.max_repeat_rate */
    METRIC_REPEATS_REMEMBERED,    /* those answered from the cache instead */
    METRIC_BATCH_HOSTS,           /* hosts in batches; each is a lookup */
    METRIC_P0F_ABANDONED,         /* answers that came when nobody waited for them any more */
    METRIC_HTTP_REFUSED,          /* connections of clients refused: no room */
    METRIC_HTTP_EVICTED,          /* … closed to make room for others */
    METRIC_HTTP_NO_TOKEN,         /* requests denied: without a token */
    METRIC_HTTP_BAD_TOKEN,        /* … with one that is unknown */
    METRIC_HTTP_BAD_ROLE,         /* … its role does not permit it */
    METRIC_HTTP_PROXY_MISSING,    /* … of trusted proxies closed: without a PROXY header */
    METRIC_HTTP_PROXY_MALFORMED,  /* … with a malformed one */
    METRIC_HTTP_PROXY_TOO_LONG,   /* … with one that is too long */
    METRIC_HTTP_PROXY_LATE,       /* … without a complete one in time */
    METRIC_HTTP_PROXY_FULL,       /* … because too many were waiting for theirs */
    METRIC_TLS_FULL,              /* handshakes with the certificate */
    METRIC_TLS_RESUMED,           /* … that resumed a session */
    METRIC_TLS_FAILED_CLOSED,     /* … that failed: the client closed the connection */
    METRIC_TLS_FAILED_PLAIN_HTTP, /* … it sent a request without TLS */
    METRIC_TLS_FAILED_VERSION,    /* … no common version */
    METRIC_TLS_FAILED_CIPHER,     /* … no common cipher, group or signature */
    METRIC_TLS_FAILED_PROTOCOL,   /* … no common application protocol */
    METRIC_TLS_FAILED_ALERT,      /* … it sent an alert */
    METRIC_TLS_FAILED_TIMEOUT,    /* … it took too long */
    METRIC_TLS_FAILED_MALFORMED,  /* … it sent something else */
    METRIC_RELAY_ACCEPTED,        /* connections of the relay's clients */
    METRIC_RELAY_REFUSED,         /* … closed at once: no room */
    METRIC_RELAY_FOUND,           /* the relay's answers */
    METRIC_RELAY_NO_MATCH,        /* … */
    METRIC_RELAY_BAD_QUERY,       /* … */
    METRIC_RELAY_FAILED,          /* queries without an answer: the connection was closed */
    METRIC_RELAY_CANCELLED,       /* … by the client */
    METRIC_LOG_LINES_LOST,        /* nobody read them in time, or they could not be written */
    METRICS_COUNTERS
};

void metrics_count(enum metric metric);

/* ---- HTTP requests, by route and status */

#define METRICS_ROUTES 16 /* that can be told apart, by numbers from 0 */

/* What a route is called, and the statuses that are shown even before they have occurred, so that the
 * first occurrence is seen to be an increase. */
struct metrics_route {
    const char *label;
    unsigned expected[12]; /* 0 ends */
};

#define METRICS_CODES 20 /* statuses counted separately; the last column is for all others */

/* The status of a column, 0 for the last. */
unsigned metrics_code(unsigned column);

/* Counts one request. `status` may be any. */
void metrics_request(unsigned route, unsigned status);

/* ---- Lookups, each counted once when it is finished. Refreshes in the background are not lookups. */

/* What the cache did for it. */
enum metrics_cache {
    METRICS_CACHE_HIT,       /* a fresh entry was the answer */
    METRICS_CACHE_STALE,     /* an expired one was, while p0f is asked again or because it fails */
    METRICS_CACHE_MISS,      /* no entry: p0f was asked, or should have been */
    METRICS_CACHE_EXPIRED,   /* … the entry was too old */
    METRICS_CACHE_BYPASS,    /* … the request did not accept the entry */
    METRICS_CACHE_COLLAPSED, /* joined a lookup of the same host that was under way */
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
    METRICS_HIT_TIME,  /* lookups answered from the cache at once */
    METRICS_MISS_TIME, /* lookups that waited for p0f */
    METRICS_HISTOGRAMS
};

/* A negative time counts as 0. */
void metrics_observe(enum metrics_histogram histogram, int64_t ns);

/* Hits: a thread's first one is timed, and every METRICS_HITS_TIMED-th after it. Each of the others
 * counts as long as the last one that was timed, so that all are counted: reading the clock twice would
 * make a hit take a third longer. */
#define METRICS_HITS_TIMED 32

/* Whether the thread's next hit is to be timed. */
bool metrics_times_hit(void);

/* Counts a hit of METRICS_HIT_TIME: the one if metrics_times_hit() is true, the other if not. */
void metrics_timed_hit(int64_t ns);
void metrics_untimed_hit(void);

/* ---- Reading */

struct metrics_snapshot {
    uint64_t counters[METRICS_COUNTERS];
    uint64_t requests[METRICS_ROUTES][METRICS_CODES];
    uint64_t lookups[METRICS_CACHES][METRICS_RESULTS];
    struct histogram times[METRICS_HISTOGRAMS];
};

/* The sums over all threads, including those that have ended. What is counted meanwhile may be missing;
 * no value ever decreases. */
void metrics_read(struct metrics_snapshot *snapshot);

#endif
