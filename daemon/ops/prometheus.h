/* SPDX-License-Identifier: MIT */
/* /metrics in the text format of Prometheus (version 0.0.4). Pure, except for allocation. */
#ifndef OPS_PROMETHEUS_H
#define OPS_PROMETHEUS_H

#include "core/metrics.h"
#include "ops/process.h"
#include "ops/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define METRICS_TEXT_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* One of the cache's two stores. */
struct prometheus_store {
    uint64_t entries;
    uint64_t limit; /* of entries */
    uint64_t bytes;
    uint64_t inserted; /* ever */
    uint64_t evicted;
    uint64_t removed;
};

/* The state at this moment, as opposed to what is counted. */
struct prometheus_gauges {
    const char *version;
    int64_t started;        /* unix seconds; the same each time, even if the clock is set */
    bool reload_successful; /* the settings could be read the last time */
    int64_t reloaded;       /* unix seconds: when they could */
    unsigned sensors_count;
    const struct status_sensor *sensors;
    const struct share_status *share; /* NULL: no shared tier */
    uint64_t pending;                 /* lookups that wait for p0f */
    uint64_t pending_limit;
    uint64_t flights; /* distinct hosts they wait for */
    struct prometheus_store hosts;
    struct prometheus_store misses;
    bool has_tls;
    int64_t certificate_expiry;                         /* unix seconds; with has_tls */
    uint64_t http_connections;                          /* open */
    uint64_t relay_connections;                         /* … */
    uint64_t relay_lookups;                             /* pending, of those above */
    const struct metrics_route *routes[METRICS_ROUTES]; /* by number; NULL: not in use */
};

/* A NUL-terminated text for the caller to free, with its length in *length; NULL when out of memory. A
 * series that was in one text is in every later one. Any thread. */
char *prometheus_text(const struct metrics_snapshot *snapshot,
                      const struct prometheus_gauges *gauges, const struct process *process,
                      size_t *length);

#endif
