/* SPDX-License-Identifier: MIT */
/* A snapshot of the shared tier in which everything has a value of its own. */
#ifndef SHARE_FIXTURE_H
#define SHARE_FIXTURE_H

#include "share/share_status.h"

static inline struct share_status full_share(void)
{
    return (struct share_status){
        .up = true,
        .cluster = true,
        .nodes = 2,
        .node = {{.server = "a:6379", .state = SHARE_NODE_UP, .outstanding = 1, .reconnects = 2},
                 {.server = "unix:/b",
                  .state = SHARE_NODE_OPEN,
                  .fault = "LOADING",
                  .outstanding = 3,
                  .reconnects = 4}},
        .counts = {.reads_found = 11,
                   .reads_none = 12,
                   .reads_timeout = 13,
                   .reads_error = 14,
                   .reads_skipped = 15,
                   .late = 16,
                   .writes_ok = 17,
                   .writes_error = 18,
                   .writes_unchanged = 19,
                   .writes_dropped = 20,
                   .fields_invalid = 21,
                   .fields_expired = 22,
                   .fields_cut = 23,
                   .moved = 24,
                   .ask = 25,
                   .breaker_opened = 26,
                   .connects_ok = 27,
                   .connects_failed = 28},
        .round_trip = {.buckets = {[1] = 9}, .sum_ns = 2000},
        .sensors = 2,
        .sensor = {{"web1", 6}, {"web2/wan", 7}},
        .other_hits = 8,
        .written = 5,
    };
}

#endif
