/* SPDX-License-Identifier: MIT */
#include "core/histogram.h"

#define US INT64_C(1000)
#define MS INT64_C(1000000)

/* Three per decade: from a cache hit to p0f.timeout and a long wait. */
static const int64_t upper_bounds[HISTOGRAM_BUCKETS - 1] = {
    1 * US,   2500,     5 * US,   10 * US,   25 * US,   50 * US,   100 * US,
    250 * US, 500 * US, 1 * MS,   2500 * US, 5 * MS,    10 * MS,   25 * MS,
    50 * MS,  100 * MS, 250 * MS, 500 * MS,  1000 * MS, 2500 * MS, 5000 * MS};

const int64_t *histogram_bounds(void)
{
    return upper_bounds;
}

unsigned histogram_bucket(int64_t ns)
{
    unsigned bucket = 0;

    while (bucket < HISTOGRAM_BUCKETS - 1 && ns > upper_bounds[bucket])
        bucket++;
    return bucket;
}

void histogram_observe(struct histogram *histogram, int64_t ns)
{
    histogram->buckets[histogram_bucket(ns)]++;
    histogram->sum_ns += ns > 0 ? (uint64_t)ns : 0;
}
