/* SPDX-License-Identifier: MIT */
/* The end of a request that was submitted. In the loop's thread. */
#include "lookup/lookup_private.h"

#include "core/metrics.h"

#include <stdlib.h>

void lookup_finish(struct lookup_request *request)
{
    struct lookup *lookup = request->lookup;
    struct flow flow = request->flow;

    loop_disarm(lookup->loop, &request->deadline);
    if (request->waiter.flight)
        flight_leave(&request->waiter);
    if (request->background) {
        metrics_count(METRIC_REFRESHES);
        host_record_unref(request->record);
        free(request);
    } else {
        lookup_count(request);
        metrics_observe(METRICS_MISS_TIME, lookup->clock().ns - request->began.ns);
        request->done(request); /* not ours any more */
    }
    admission_release(lookup->admission, flow);
}

void lookup_finish_failed(struct lookup_request *request, enum lookup_outcome outcome)
{
    struct lookup *lookup = request->lookup;

    if (!lookup_from_stale(lookup, request, loop_now(lookup->loop)))
        request->outcome = outcome;
    lookup_finish(request);
}

void lookup_finish_answered(struct lookup_request *request, struct host_record *record, bool stored,
                            struct mono answered)
{
    struct lookup *lookup = request->lookup;
    struct cache_times times = cache_times(lookup->cache);
    struct freshness *freshness = &request->freshness;

    request->outcome = record ? LOOKUP_FOUND : LOOKUP_NO_MATCH;
    request->record = record ? host_record_ref(record) : NULL;
    freshness->stored = stored;
    freshness->age_ms = mono_ms_between(answered, loop_now(lookup->loop));
    freshness->ttl_ms = cache_ttl_of(lookup->cache, record);
    if (record && stored) {
        freshness->stale_while_revalidate_ms = times.stale_while_revalidate;
        freshness->stale_if_error_ms = times.stale_if_error;
    }
    lookup_finish(request);
}
