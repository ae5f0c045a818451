/* SPDX-License-Identifier: MIT */
/* /metrics in the text format of Prometheus (version 0.0.4). Pure but for the memory it returns. */
#ifndef OPS_PROMETHEUS_H
#define OPS_PROMETHEUS_H

#include "core/metrics.h"
#include "ops/process.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define METRICS_TEXT_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* One of the cache's two stores. */
struct metrics_store {
    uint64_t entries;
    uint64_t limit; /* the most it holds */
    uint64_t bytes;
    uint64_t inserted; /* ever */
    uint64_t evicted;
    uint64_t removed;
};

/* What is not counted but looked up: how things stand now. */
struct metrics_gauges {
    const char *version;
    int64_t started;     /* unix seconds; the same at each look, whatever becomes of the clock */
    const char *dialect; /* as p0f speaks it; NULL: not known yet */
    bool p0f_up;         /* p0f answers */
    uint64_t connections_down; /* connections to p0f by state, see link.h */
    uint64_t connections_probing;
    uint64_t connections_ready;
    uint64_t connections_draining;
    uint64_t outstanding; /* answers that p0f owes us */
    uint64_t queued;      /* queries not sent yet */
    uint64_t pending;     /* lookups that wait */
    uint64_t pending_limit;
    uint64_t flights; /* hosts they wait for */
    struct metrics_store hosts;
    struct metrics_store misses;
    uint64_t http_connections;                          /* open */
    const struct metrics_route *routes[METRICS_ROUTES]; /* by number; NULL: not in use */
};

/* A NUL-terminated text for the caller to free, with its length in *length; NULL when out of memory.
 * A counter that was in one text is in each later one. Any thread. */
char *metrics_text(const struct metrics_snapshot *snapshot, const struct metrics_gauges *gauges,
                   const struct process *process, size_t *length);

#endif
