/* SPDX-License-Identifier: MIT */
#include "ops/prometheus_private.h"

#include <inttypes.h>
#include <stdio.h>

#define BIT(result) (1U << METRICS_RESULT_##result)
#define P0F_SAID                                                                                   \
    (BIT(FOUND) | BIT(NO_MATCH) | BIT(BAD_RESPONSE) | BIT(UNAVAILABLE) | BIT(TIMEOUT) |            \
     BIT(CANCELLED))
#define NOT_ASKED (BIT(OVERLOADED) | BIT(NOT_CACHED))

/* Possible results are exported from the start. */
static const struct {
    const char *name;
    unsigned possible;
} caches[METRICS_CACHES] = {
    [METRICS_CACHE_HIT] = {"hit", BIT(FOUND) | BIT(NO_MATCH)},
    [METRICS_CACHE_STALE] = {"stale", BIT(FOUND)},
    [METRICS_CACHE_MISS] = {"miss", P0F_SAID | NOT_ASKED},
    [METRICS_CACHE_EXPIRED] = {"expired", P0F_SAID | NOT_ASKED},
    [METRICS_CACHE_BYPASS] = {"bypass", P0F_SAID | NOT_ASKED},
    [METRICS_CACHE_COLLAPSED] = {"collapsed", P0F_SAID},
};

static const char *const results[METRICS_RESULTS] = {
    [METRICS_RESULT_FOUND] = "found",
    [METRICS_RESULT_NO_MATCH] = "no_match",
    [METRICS_RESULT_BAD_RESPONSE] = "bad_response",
    [METRICS_RESULT_UNAVAILABLE] = "unavailable",
    [METRICS_RESULT_OVERLOADED] = "overloaded",
    [METRICS_RESULT_TIMEOUT] = "timeout",
    [METRICS_RESULT_NOT_CACHED] = "not_cached",
    [METRICS_RESULT_CANCELLED] = "cancelled",
};

static void put_lookups(struct exposition *out, const struct metrics_snapshot *snapshot)
{
    const char *name = PREFIX "lookups_total";

    exposition_head(out, name, "counter",
                    "Lookups finished, by what the cache did for them and how they ended.");
    for (unsigned cache = 0; cache < METRICS_CACHES; cache++) {
        for (unsigned result = 0; result < METRICS_RESULTS; result++) {
            uint64_t value = snapshot->lookups[cache][result];
            if (value > 0 || caches[cache].possible & 1U << result)
                exposition_put(out, "%s{cache=\"%s\",result=\"%s\"} %" PRIu64 "\n", name,
                               caches[cache].name, results[result], value);
        }
    }
}

static void put_repeats(struct exposition *out, const struct metrics_snapshot *snapshot)
{
    const char *name = PREFIX "repeats_limited_total";

    exposition_head(
        out, name, "counter",
        "Repeated queries held back by p0f.max_repeat_rate: put_off, or answered from the cache "
        "(remembered).");
    exposition_labelled(out, name, "action", "put_off", snapshot->counters[METRIC_REPEATS_PUT_OFF]);
    exposition_labelled(out, name, "action", "remembered",
                        snapshot->counters[METRIC_REPEATS_REMEMBERED]);
}

static void put_lookup_times(struct exposition *out, const struct metrics_snapshot *snapshot)
{
    const char *name = PREFIX "lookup_duration_seconds";

    exposition_head(out, name, "histogram",
                    "Duration of lookups answered from the cache at once (hit; one in 32 is timed, "
                    "for itself and the 31 that follow), and of lookups that waited for p0f "
                    "(miss).");
    exposition_histogram(out, name, "cache", "hit", &snapshot->times[METRICS_HIT_TIME]);
    exposition_histogram(out, name, "cache", "miss", &snapshot->times[METRICS_MISS_TIME]);
}

void prometheus_put_lookups(struct exposition *out, const struct metrics_snapshot *snapshot,
                            const struct prometheus_gauges *gauges)
{
    put_lookups(out, snapshot);
    put_lookup_times(out, snapshot);
    put_repeats(out, snapshot);
    exposition_single(out, PREFIX "batch_hosts_total", "counter",
                      "Hosts in batches. Each is a lookup.",
                      snapshot->counters[METRIC_BATCH_HOSTS]);
    exposition_single(out, PREFIX "lookups_pending", "gauge", "Lookups waiting for p0f.",
                      gauges->pending);
    exposition_single(out, PREFIX "lookups_pending_limit", "gauge",
                      "Maximum of lookups_pending for one client (p0f.max_pending).",
                      gauges->pending_limit);
    exposition_single(out, PREFIX "flights", "gauge", "Distinct hosts that lookups wait for.",
                      gauges->flights);
    exposition_single(out, PREFIX "refreshes_total", "counter",
                      "Background queries for expired entries that were served meanwhile.",
                      snapshot->counters[METRIC_REFRESHES]);
}
