/* SPDX-License-Identifier: MIT */
#include "lookup/lookup.h"

#include "core/metrics.h"
#include "lookup/fetch.h"

#include <stdlib.h>

struct lookup {
    struct lookup_parts parts;
    struct hash_key key;
    struct fetcher *fetcher;
};

struct boottime lookup_boottime(const struct lookup *lookup)
{
    return lookup->parts.boottime();
}

struct mono lookup_mono(const struct lookup *lookup)
{
    return loop_clock(lookup->parts.loop);
}

struct flow lookup_flow(const struct lookup *lookup, const struct p0f_addr *client)
{
    return flow_of(&lookup->key, client);
}

struct flow lookup_flow_of_process(const struct lookup *lookup, pid_t pid)
{
    return flow_of_process(&lookup->key, pid);
}

struct loop *lookup_loop(const struct lookup *lookup)
{
    return lookup->parts.loop;
}

struct admission *lookup_admission(const struct lookup *lookup)
{
    return lookup->parts.admission;
}

void lookup_prefetch(const struct lookup *lookup, const struct p0f_addr *addr)
{
    cache_prefetch(recall_cache(lookup->parts.recall), addr);
}

/* ---- From the cache, in the caller's thread */

static void refresh_in_background(struct lookup *lookup, const struct p0f_addr *addr)
{
    const struct flow flow = flow_numbered(FLOW_REFRESH);
    struct lookup_request *request;

    if (!admission_claim(lookup->parts.admission, flow))
        return; /* there is more urgent work; a later hit tries again */
    request = calloc(1, sizeof *request);
    if (!request) {
        admission_release(lookup->parts.admission, flow);
        return;
    }
    request->came = lookup_boottime(lookup);
    request->began = lookup_mono(lookup);
    request->addr = *addr;
    request->flow = flow;
    request->max_age_ms = LOOKUP_MAX_AGE_UNSET;
    request->background = true;
    lookup_submit(lookup, request);
}

static enum lookup_outcome why_not_cached(const struct lookup_request *request)
{
    if (request->max_age_ms == 0)
        return LOOKUP_CONTRADICTORY;
    return request->freshness.source == FRESHNESS_MISS ? LOOKUP_NOT_CACHED : LOOKUP_NOT_FRESH;
}

bool lookup_recall(struct lookup *lookup, struct lookup_request *request, bool may_refresh)
{
    bool refresh, timed = metrics_times_hit();
    int64_t began_ns = timed ? lookup_mono(lookup).ns : 0;

    if (recall_answer(lookup->parts.recall, request, request->came, &refresh)) {
        if (refresh && may_refresh && !request->only_if_cached)
            refresh_in_background(lookup, &request->addr);
        if (timed)
            metrics_timed_hit(lookup_mono(lookup).ns - began_ns);
        else
            metrics_untimed_hit();
    } else if (request->only_if_cached) {
        request->outcome = why_not_cached(request);
    } else {
        return false;
    }
    lookup_request_count(request);
    return true;
}

/* ---- Admission */

/* From the cache, though it was not a hit. */
static void finish_remembered(const struct lookup *lookup, const struct lookup_request *request)
{
    metrics_observe(METRICS_HIT_TIME, lookup_mono(lookup).ns - request->began.ns);
    lookup_request_count(request);
}

void lookup_refuse(struct lookup *lookup, struct lookup_request *request)
{
    request->record = NULL;
    if (recall_fallback(lookup->parts.recall, request, lookup_boottime(lookup))) {
        finish_remembered(lookup, request);
        return;
    }
    request->outcome = LOOKUP_OVERLOADED;
    lookup_request_count(request);
}

void lookup_drop(struct lookup_request *request)
{
    request->record = NULL;
    request->outcome = LOOKUP_CANCELLED;
    lookup_request_count(request);
}

/* Only looks: the request may yet join others who have p0f asked. */
static bool is_over_limit(const struct lookup *lookup, const struct lookup_request *request)
{
    return request->freshness.source == FRESHNESS_REQUEST &&
           !rate_limits_allow(lookup->parts.repeats,
                              admission_turn(lookup->parts.admission, request->flow),
                              request->began);
}

bool lookup_admit(struct lookup *lookup, struct lookup_request *request)
{
    if (is_over_limit(lookup, request) &&
        recall_limited(lookup->parts.recall, request, request->came)) {
        finish_remembered(lookup, request);
        return false;
    }
    if (admission_claim(lookup->parts.admission, request->flow))
        return true;
    lookup_refuse(lookup, request);
    return false;
}

/* ---- To the loop's thread */

void lookup_begin(struct lookup *lookup, struct lookup_request *request)
{
    fetch_begin(lookup->fetcher, request);
}

static void on_submitted(void *ctx)
{
    struct lookup_request *request = ctx;

    fetch_begin(request->fetcher, request);
}

void lookup_submit(struct lookup *lookup, struct lookup_request *request)
{
    request->fetcher = lookup->fetcher;
    request->task = (struct loop_task){.run = on_submitted, .ctx = request};
    loop_post(lookup->parts.loop, &request->task);
}

bool lookup_has_servable(const struct lookup *lookup)
{
    return recall_has_servable(lookup->parts.recall, lookup->parts.boottime());
}

uint32_t lookup_pending(const struct lookup *lookup)
{
    return admission_taken(lookup->parts.admission);
}

/* ---- The whole */

struct lookup *lookup_new(struct loop *loop, struct recall *recall,
                          const struct gather_parts *asked, boottime_fn *boottime,
                          struct hash_key key, const struct lookup_limits *limits)
{
    struct lookup *lookup = calloc(1, sizeof *lookup);

    if (!lookup)
        return NULL;
    lookup->parts = (struct lookup_parts){.loop = loop,
                                          .asked = *asked,
                                          .recall = recall,
                                          .admission = admission_new(),
                                          .repeats = rate_limits_new(),
                                          .boottime = boottime};
    lookup->key = key;
    lookup->fetcher = fetcher_new(&lookup->parts, key, limits->max_pending + limits->reserve);
    if (!lookup->parts.admission || !lookup->parts.repeats || !lookup->fetcher) {
        lookup_free(lookup);
        return NULL;
    }
    lookup_set_limits(lookup, limits);
    return lookup;
}

void lookup_free(struct lookup *lookup)
{
    if (!lookup)
        return;
    fetcher_free(lookup->fetcher);
    admission_free(lookup->parts.admission);
    rate_limits_free(lookup->parts.repeats);
    free(lookup);
}

void lookup_set_limits(struct lookup *lookup, const struct lookup_limits *limits)
{
    fetcher_set_times(lookup->fetcher, limits->timeout, limits->first_contact_wait);
    admission_set(lookup->parts.admission, limits->max_pending, limits->reserve);
    rate_limits_set(lookup->parts.repeats, limits->max_repeat_rate,
                    limits->max_repeat_rate_per_client);
}

void lookup_close(struct lookup *lookup)
{
    admission_set(lookup->parts.admission, 0, 0);
}

struct lookup_counts lookup_counts(const struct lookup *lookup)
{
    return (struct lookup_counts){
        .pending = admission_taken(lookup->parts.admission),
        .max_pending = admission_max(lookup->parts.admission),
        .flights = fetcher_flights(lookup->fetcher),
    };
}
