/* SPDX-License-Identifier: MIT */
#include "lookup/lookup_private.h"

#include "core/metrics.h"

#include <stdlib.h>

/* ---- From the cache, in any thread */

static bool new_enough(const struct lookup_request *request, const struct cache_hit *hit,
                       struct mono now)
{
    return request->max_age_ms == LOOKUP_MAX_AGE_UNSET ||
           mono_before(now, mono_add_ms(hit->answered, request->max_age_ms));
}

/* A client that states how long it would wait for its host wants p0f asked, not our memory. Who may
 * have only that gets nothing. */
bool lookup_satisfies(const struct lookup_request *request, const struct cache_hit *hit,
                      struct mono now)
{
    if (!hit->record && (request->wait_ms > 0 || request->here_now))
        return false;
    return (hit->state == CACHE_FRESH || hit->state == CACHE_STALE) &&
           new_enough(request, hit, now);
}

void lookup_from_cache(struct lookup_request *request, const struct cache_hit *hit, struct mono now)
{
    request->outcome = hit->record ? LOOKUP_FOUND : LOOKUP_NO_MATCH;
    request->record = hit->record;
    request->freshness = (struct freshness){
        .source = FRESHNESS_HIT,
        .age_ms = mono_ms_between(hit->answered, now),
        .ttl_ms = hit->times.ttl,
        .stale_while_revalidate_ms = hit->record ? hit->times.stale_while_revalidate : 0,
        .stale_if_error_ms = hit->record ? hit->times.stale_if_error : 0,
    };
}

bool lookup_from_stale(struct lookup *lookup, struct lookup_request *request, struct mono now)
{
    struct cache_hit hit;

    if (!cache_get(lookup->cache, &request->addr, now, &hit))
        return false;
    if (hit.record && new_enough(request, &hit, now)) {
        lookup_from_cache(request, &hit, now);
        return true;
    }
    host_record_unref(hit.record);
    return false;
}

bool lookup_from_memory(struct lookup *lookup, struct lookup_request *request, struct mono now)
{
    struct cache_hit hit;

    if (!cache_get(lookup->cache, &request->addr, now, &hit))
        return false;
    if (hit.state != CACHE_FRESH && hit.state != CACHE_STALE) {
        host_record_unref(hit.record);
        return false;
    }
    lookup_from_cache(request, &hit, now);
    request->freshness.rate_limited = true;
    metrics_count(METRIC_REPEATS_REMEMBERED);
    return true;
}

struct flow lookup_flow(const struct lookup *lookup, const struct p0f_addr *caller)
{
    return flow_of(&lookup->key, caller);
}

bool lookup_claim(struct lookup *lookup, struct flow flow)
{
    return admission_claim(lookup->admission, flow);
}

static void refresh_in_background(struct lookup *lookup, const struct p0f_addr *addr,
                                  struct mono now)
{
    const struct flow flow = flow_numbered(FLOW_REFRESH);
    struct lookup_request *request;

    if (!lookup_claim(lookup, flow))
        return; /* there is more urgent work; the next hit tries again */
    request = calloc(1, sizeof *request);
    if (!request) {
        admission_release(lookup->admission, flow);
        return;
    }
    request->lookup = lookup;
    request->began = now;
    request->addr = *addr;
    request->flow = flow;
    request->max_age_ms = LOOKUP_MAX_AGE_UNSET;
    request->background = true;
    lookup_submit(lookup, request);
}

void lookup_expect(const struct lookup *lookup, const struct p0f_addr *addr)
{
    cache_prefetch(lookup->cache, addr);
}

static bool recall_from_cache(struct lookup *lookup, struct lookup_request *request,
                              struct mono now, bool may_refresh)
{
    struct cache_hit hit;

    request->record = NULL;
    request->lookup = lookup;
    request->began = now;
    request->freshness = (struct freshness){.source = FRESHNESS_MISS};
    if (cache_get(lookup->cache, &request->addr, now, &hit)) {
        if (lookup_satisfies(request, &hit, now)) {
            lookup_from_cache(request, &hit, now);
            if (hit.refresh && may_refresh && !request->only_if_cached)
                refresh_in_background(lookup, &request->addr, now);
            return true;
        }
        request->freshness.source =
            hit.state == CACHE_FRESH ? FRESHNESS_REQUEST : FRESHNESS_EXPIRED;
        host_record_unref(hit.record);
    }
    if (!request->only_if_cached)
        return false;
    request->outcome = LOOKUP_NOT_CACHED;
    return true;
}

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

void lookup_count(const struct lookup_request *request)
{
    static const enum metrics_result results[] = {
        [LOOKUP_FOUND] = METRICS_RESULT_FOUND,
        [LOOKUP_NO_MATCH] = METRICS_RESULT_NO_MATCH,
        [LOOKUP_BAD_RESPONSE] = METRICS_RESULT_BAD_RESPONSE,
        [LOOKUP_UNAVAILABLE] = METRICS_RESULT_UNAVAILABLE,
        [LOOKUP_OVERLOADED] = METRICS_RESULT_OVERLOADED,
        [LOOKUP_TIMEOUT] = METRICS_RESULT_TIMEOUT,
        [LOOKUP_NOT_CACHED] = METRICS_RESULT_NOT_CACHED,
        [LOOKUP_CANCELLED] = METRICS_RESULT_CANCELLED,
    };

    metrics_lookup(cache_part(&request->freshness), results[request->outcome]);
}

bool lookup_recall(struct lookup *lookup, struct lookup_request *request, struct mono now,
                   bool may_refresh)
{
    if (!recall_from_cache(lookup, request, now, may_refresh))
        return false;
    lookup_count(request);
    return true;
}

void lookup_refuse(struct lookup *lookup, struct lookup_request *request)
{
    request->record = NULL;
    request->lookup = lookup;
    if (!lookup_from_stale(lookup, request, lookup->clock()))
        request->outcome = LOOKUP_OVERLOADED;
    lookup_count(request);
}

void lookup_drop(struct lookup_request *request)
{
    request->record = NULL;
    request->outcome = LOOKUP_CANCELLED;
    lookup_count(request);
}

bool lookup_try(struct lookup *lookup, struct lookup_request *request)
{
    struct mono now = lookup->clock();

    if (!lookup_recall(lookup, request, now, true))
        return false;
    if (request->freshness.source == FRESHNESS_HIT && metrics_times_hit())
        metrics_observe(METRICS_HIT_TIME, lookup->clock().ns - now.ns);
    return true;
}

/* Nothing is taken here, as it may yet join others who have p0f asked. */
static bool over_limit(const struct lookup *lookup, const struct lookup_request *request)
{
    return request->freshness.source == FRESHNESS_REQUEST &&
           !rate_limits_allow(lookup->repeats, admission_turn(lookup->admission, request->flow),
                              request->began);
}

bool lookup_admit(struct lookup *lookup, struct lookup_request *request,
                  const struct p0f_addr *caller)
{
    request->flow = lookup_flow(lookup, caller);
    if (over_limit(lookup, request) && lookup_from_memory(lookup, request, request->began)) {
        lookup_count(request);
        return false;
    }
    if (lookup_claim(lookup, request->flow))
        return true;
    lookup_refuse(lookup, request);
    return false;
}

void lookup_begin(struct lookup *lookup, struct lookup_request *request)
{
    request->record = NULL;
    request->lookup = lookup;
    fetch_take(lookup, request);
}

static void on_submitted(void *ctx)
{
    struct lookup_request *request = ctx;

    fetch_take(request->lookup, request);
}

void lookup_submit(struct lookup *lookup, struct lookup_request *request)
{
    request->task = (struct loop_task){.run = on_submitted, .ctx = request};
    loop_post(lookup->loop, &request->task);
}

uint32_t lookup_pending(const struct lookup *lookup)
{
    return admission_taken(lookup->admission);
}

struct mono lookup_now(const struct lookup *lookup)
{
    return lookup->clock();
}

struct loop *lookup_loop(const struct lookup *lookup)
{
    return lookup->loop;
}

/* ---- The lookup as a whole */

struct lookup *lookup_new(struct loop *loop, struct cache *cache, struct pool *pool,
                          clock_fn *clock, struct hash_key key, const struct lookup_limits *limits)
{
    struct lookup *lookup = calloc(1, sizeof *lookup);

    if (!lookup)
        return NULL;
    lookup->flights = flights_new(limits->max_pending + limits->reserve, key, NULL);
    lookup->admission = admission_new();
    lookup->repeats = rate_limits_new();
    if (!lookup->flights || !lookup->admission || !lookup->repeats) {
        lookup_free(lookup);
        return NULL;
    }
    lookup->key = key;
    lookup->loop = loop;
    lookup->cache = cache;
    lookup->pool = pool;
    lookup->clock = clock;
    lookup_set_limits(lookup, limits);
    return lookup;
}

void lookup_free(struct lookup *lookup)
{
    if (!lookup)
        return;
    flights_free(lookup->flights);
    admission_free(lookup->admission);
    rate_limits_free(lookup->repeats);
    free(lookup);
}

void lookup_set_limits(struct lookup *lookup, const struct lookup_limits *limits)
{
    lookup->timeout = limits->timeout;
    lookup->first_contact_wait = limits->first_contact_wait;
    admission_set(lookup->admission, limits->max_pending, limits->reserve);
    rate_limits_set(lookup->repeats, limits->max_repeat_rate, limits->max_repeat_rate_per_client);
}

void lookup_close(struct lookup *lookup)
{
    admission_set(lookup->admission, 0, 0);
}

struct lookup_counts lookup_counts(const struct lookup *lookup)
{
    return (struct lookup_counts){
        .pending = admission_taken(lookup->admission),
        .max_pending = admission_max(lookup->admission),
        .flights = flights_count(lookup->flights),
    };
}
