/* SPDX-License-Identifier: MIT */
/* Histograms of durations, for /metrics. */
#ifndef CORE_HISTOGRAM_H
#define CORE_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_BUCKETS 22 /* including the last one, which has no bound */

/* Zeroed before its first use. Values of 64 bits only, see core/metrics.c. */
struct histogram {
    uint64_t buckets[HISTOGRAM_BUCKETS]; /* observations in each, not cumulative */
    uint64_t sum_ns;
};

/* The upper bounds of all buckets but the last, in nanoseconds, ascending. Static. */
const int64_t *histogram_bounds(void);

/* The bucket that a duration belongs to. A negative one counts as 0. */
unsigned histogram_bucket(int64_t ns);

void histogram_observe(struct histogram *histogram, int64_t ns);

#endif
