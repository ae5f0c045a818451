/* SPDX-License-Identifier: MIT */
#include "lookup/lookup_finish.h"

#include "core/metrics.h"

#include <stdlib.h>

enum lookup_outcome lookup_outcome_of(const struct gather_answer *answer)
{
    switch (answer->error) {
    case P0F_OK:
        return LOOKUP_FOUND;
    case P0F_NO_MATCH:
        return LOOKUP_NO_MATCH;
    case P0F_UNREACHABLE:
    case P0F_DISCONNECTED:
    case P0F_LOST:
        return answer->partial ? LOOKUP_INCOMPLETE : LOOKUP_UNAVAILABLE;
    default:
        return LOOKUP_BAD_RESPONSE;
    }
}

void lookup_finish(const struct lookup_parts *parts, struct lookup_request *request)
{
    struct flow flow = request->flow;

    loop_disarm(parts->loop, &request->deadline);
    if (request->waiter.flight)
        flight_leave(&request->waiter);
    if (request->background) {
        metrics_count(METRIC_REFRESHES);
        host_record_unref(request->record);
        free(request);
    } else {
        lookup_request_count(request);
        metrics_observe(METRICS_MISS_TIME, loop_clock(parts->loop).ns - request->began.ns);
        request->done(request); /* not ours any more */
    }
    admission_release(parts->admission, flow);
}

void lookup_finish_failed(const struct lookup_parts *parts, struct lookup_request *request,
                          enum lookup_outcome outcome)
{
    if (!recall_fallback(parts->recall, request, parts->boottime()))
        request->outcome = outcome;
    lookup_finish(parts, request);
}

void lookup_finish_answered(const struct lookup_parts *parts, struct lookup_request *request,
                            struct host_record *record, bool stored, struct boottime answered)
{
    recall_fill(parts->recall, request, record, stored, answered, parts->boottime());
    lookup_finish(parts, request);
}

void lookup_finish_so_far(const struct lookup_parts *parts, struct lookup_request *request,
                          bool stored)
{
    if (request->so_far == LOOKUP_NO_MATCH)
        lookup_finish_answered(parts, request, NULL, stored, request->answered);
    else
        lookup_finish_failed(parts, request, request->so_far);
}
