/* SPDX-License-Identifier: MIT */
#include "lookup/lookup_request.h"

#include "core/metrics.h"

/* Where the answer came from, or was to come from. */
static enum metrics_cache cache_part(const struct freshness *freshness)
{
    switch (freshness->source) {
    case FRESHNESS_HIT:
        return freshness->age_ms < freshness->ttl_ms ? METRICS_CACHE_HIT : METRICS_CACHE_STALE;
    case FRESHNESS_MISS:
        break;
    case FRESHNESS_EXPIRED:
        return freshness->collapsed ? METRICS_CACHE_COLLAPSED : METRICS_CACHE_EXPIRED;
    case FRESHNESS_REQUEST:
        return freshness->collapsed ? METRICS_CACHE_COLLAPSED : METRICS_CACHE_BYPASS;
    }
    return freshness->collapsed ? METRICS_CACHE_COLLAPSED : METRICS_CACHE_MISS;
}

void lookup_request_count(const struct lookup_request *request)
{
    static const enum metrics_result results[] = {
        [LOOKUP_FOUND] = METRICS_RESULT_FOUND,
        [LOOKUP_NO_MATCH] = METRICS_RESULT_NO_MATCH,
        [LOOKUP_BAD_RESPONSE] = METRICS_RESULT_BAD_RESPONSE,
        [LOOKUP_UNAVAILABLE] = METRICS_RESULT_UNAVAILABLE,
        [LOOKUP_INCOMPLETE] = METRICS_RESULT_UNAVAILABLE,
        [LOOKUP_OVERLOADED] = METRICS_RESULT_OVERLOADED,
        [LOOKUP_TIMEOUT] = METRICS_RESULT_TIMEOUT,
        [LOOKUP_NOT_CACHED] = METRICS_RESULT_NOT_CACHED,
        [LOOKUP_NOT_FRESH] = METRICS_RESULT_NOT_CACHED,
        [LOOKUP_CONTRADICTORY] = METRICS_RESULT_NOT_CACHED,
        [LOOKUP_CANCELLED] = METRICS_RESULT_CANCELLED,
    };

    metrics_lookup(cache_part(&request->freshness), results[request->outcome]);
}
