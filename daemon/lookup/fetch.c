/* SPDX-License-Identifier: MIT */
/* Journeys: from the first request for an address until p0f has answered and nobody waits for a
 * better answer. All in the loop's thread. */
#include "lookup/lookup_private.h"

#include "core/metrics.h"

#include <stdlib.h>

#define ASK_AGAIN_FIRST_MS 5 /* a fresh host is known after 4.6 ms in the median */
#define ASK_AGAIN_MAX_MS 250

/* One question under way. Lives from the first request for its address until p0f's answer is there
 * and nobody waits for a better one. */
struct fetch {
    struct flight flight; /* first, so that one is the other */
    struct lookup *lookup;
    struct pool_query query;
    struct loop_timer ask_again; /* armed between two questions */
    int64_t pause_ms;            /* before the next one */
    struct mono denied;          /* when p0f last said "no match" */
    bool asked;                  /* a query is queued or owed */
    bool retried;                /* after a connection broke under it */
};

static struct fetch *fetch_of(struct flight *flight)
{
    return (struct fetch *)flight;
}

static struct lookup_request *request_of(const struct waiter *waiter)
{
    return (struct lookup_request *)((char *)waiter - offsetof(struct lookup_request, waiter));
}

static bool is_wanted(const struct fetch *fetch)
{
    return !TAILQ_EMPTY(&fetch->flight.waiters);
}

/* ---- Journeys */

static enum lookup_outcome outcome_of(enum p0f_error error)
{
    switch (error) {
    case P0F_UNREACHABLE:
    case P0F_DISCONNECTED:
    case P0F_LOST:
        return LOOKUP_UNAVAILABLE;
    default:
        return LOOKUP_BAD_RESPONSE;
    }
}

static void fetch_end(struct fetch *fetch)
{
    loop_disarm(fetch->lookup->loop, &fetch->ask_again);
    flights_remove(fetch->lookup->flights, &fetch->flight);
    free(fetch);
}

/* The next of those who wait, who waits no more; NULL when there is none. */
static struct lookup_request *take_first(struct fetch *fetch)
{
    struct waiter *waiter = flight_take_first(&fetch->flight);

    return waiter ? request_of(waiter) : NULL;
}

static void fetch_fail(struct fetch *fetch, enum lookup_outcome outcome)
{
    struct lookup_request *request;

    while ((request = take_first(fetch)))
        lookup_finish_failed(request, outcome);
    fetch_end(fetch);
}

static void fetch_ask(struct fetch *fetch)
{
    enum p0f_error error = pool_ask(fetch->lookup->pool, &fetch->query);

    fetch->asked = error == P0F_OK;
    if (error != P0F_OK)
        fetch_fail(fetch, outcome_of(error));
}

static void fetch_found(struct fetch *fetch, const struct p0f_host *host)
{
    struct lookup *lookup = fetch->lookup;
    struct mono now = loop_now(lookup->loop);
    struct host_record *record = host_record_new(&fetch->flight.addr, host);
    struct lookup_request *request;

    if (!record) {
        fetch_fail(fetch, LOOKUP_UNAVAILABLE);
        return;
    }
    bool stored = cache_put(lookup->cache, &fetch->flight.addr, record, now);
    while ((request = take_first(fetch)))
        lookup_finish_answered(request, record, stored, now);
    host_record_unref(record);
    fetch_end(fetch);
}

/* From now on its deadline is not for an answer, which it has, but for a better one. */
static void expect_better(struct lookup_request *request, struct mono answered)
{
    struct lookup *lookup = request->lookup;

    request->answered = answered;
    if (request->no_match_seen)
        return;
    request->no_match_seen = true;
    loop_arm(lookup->loop, &request->deadline, mono_add_ms(request->believe, lookup->timeout));
}

/* Answers those whose wait is over with p0f's last word. `put_off`: they would have had a later one,
 * had it been asked. Returns when the next of the others will believe it. */
static struct mono answer_believers(struct fetch *fetch, struct mono now, bool put_off)
{
    struct mono next = {INT64_MAX};
    struct waiter *waiter, *following;
    bool stored = false, believed = !is_wanted(fetch);

    for (waiter = TAILQ_FIRST(&fetch->flight.waiters); waiter && !believed;
         waiter = TAILQ_NEXT(waiter, link))
        believed = !mono_before(now, request_of(waiter)->believe);
    /* Remembered before anybody is told, so that their next request finds it. */
    if (believed)
        stored = cache_put(fetch->lookup->cache, &fetch->flight.addr, NULL, fetch->denied);
    for (waiter = TAILQ_FIRST(&fetch->flight.waiters); waiter; waiter = following) {
        struct lookup_request *request = request_of(waiter);
        following = TAILQ_NEXT(waiter, link);
        if (mono_before(now, request->believe)) {
            expect_better(request, fetch->denied);
            next = mono_earlier(next, request->believe);
        } else {
            flight_leave(waiter);
            request->freshness.rate_limited = put_off;
            lookup_finish_answered(request, NULL, stored, fetch->denied);
        }
    }
    return next;
}

/* For those who do not believe p0f's last word yet it is asked again later. */
static void fetch_denied(struct fetch *fetch, struct mono now, bool put_off)
{
    struct lookup *lookup = fetch->lookup;
    struct mono believe = answer_believers(fetch, now, put_off);

    if (!is_wanted(fetch)) {
        fetch_end(fetch);
        return;
    }
    struct mono next = mono_earlier(mono_add_ms(now, fetch->pause_ms), believe);
    fetch->pause_ms *= 2;
    if (fetch->pause_ms > ASK_AGAIN_MAX_MS)
        fetch->pause_ms = ASK_AGAIN_MAX_MS;
    loop_arm(lookup->loop, &fetch->ask_again, next);
}

static void fetch_no_match(struct fetch *fetch)
{
    fetch->denied = loop_now(fetch->lookup->loop);
    fetch_denied(fetch, fetch->denied, false);
}

/* A connection that breaks may say nothing of the query: once more, on another one. If it broke on
 * the answer to another query it surely says nothing; that one is not asked for ever. */
static void fetch_broken(struct fetch *fetch, enum p0f_error error)
{
    bool innocent = error == P0F_LOST;
    bool again = is_wanted(fetch) && error != P0F_BAD_QUERY && (innocent || !fetch->retried);

    fetch->retried |= !innocent;
    if (!again || pool_ask(fetch->lookup->pool, &fetch->query) != P0F_OK)
        fetch_fail(fetch, outcome_of(error));
    else
        fetch->asked = true;
}

static void on_fetch_answer(void *ctx, enum p0f_error error, const struct p0f_host *host)
{
    struct fetch *fetch = ctx;

    fetch->asked = false;
    if (!is_wanted(fetch) && error <= P0F_BAD_QUERY)
        metrics_count(METRIC_P0F_ABANDONED);
    if (error == P0F_OK)
        fetch_found(fetch, host);
    else if (error == P0F_NO_MATCH)
        fetch_no_match(fetch);
    else
        fetch_broken(fetch, error);
}

/* One of those who wait pays for it: the first who may. */
static bool may_ask_again(const struct fetch *fetch, struct mono now)
{
    unsigned refused = FLOWS; /* last; many in a row may be one client's */
    const struct waiter *waiter;

    TAILQ_FOREACH(waiter, &fetch->flight.waiters, link) {
        unsigned turn = request_of(waiter)->turn;
        if (turn != refused && rate_limits_take(fetch->lookup->repeats, turn, now))
            return true;
        refused = turn;
    }
    return false;
}

static void on_ask_again(void *ctx)
{
    struct fetch *fetch = ctx;
    struct mono now = loop_now(fetch->lookup->loop);

    if (may_ask_again(fetch, now)) {
        fetch_ask(fetch);
        return;
    }
    metrics_count(METRIC_REPEATS_PUT_OFF);
    fetch_denied(fetch, now, true);
}

/* For the one who asks first. NULL when out of memory. */
static struct fetch *fetch_start(struct lookup *lookup, const struct lookup_request *request)
{
    struct fetch *fetch = calloc(1, sizeof *fetch);

    if (!fetch)
        return NULL;
    fetch->lookup = lookup;
    fetch->query = (struct pool_query){
        .addr = request->addr, .flow = request->turn, .answer = on_fetch_answer, .ctx = fetch};
    fetch->ask_again = (struct loop_timer){.fire = on_ask_again, .ctx = fetch};
    fetch->pause_ms = ASK_AGAIN_FIRST_MS;
    flights_add(lookup->flights, &fetch->flight, &request->addr);
    return fetch;
}

/* A newcomer to a flight between two questions does not wait out a pause grown long, nor to one whose
 * question is still to be sent all that another has asked for before. */
static void hurry(struct fetch *fetch, const struct lookup_request *request, struct mono now)
{
    struct mono soon = mono_earlier(mono_add_ms(now, ASK_AGAIN_FIRST_MS), request->believe);

    if (loop_armed(&fetch->ask_again) && mono_before(soon, fetch->ask_again.at))
        loop_arm(fetch->lookup->loop, &fetch->ask_again, soon);
    pool_promote(fetch->lookup->pool, &fetch->query, request->turn);
}

/* Somebody has left. When nobody waits for it any more, what was not sent need not be. */
static void fetch_left(struct fetch *fetch)
{
    if (is_wanted(fetch))
        return;
    if (!fetch->asked || pool_cancel(fetch->lookup->pool, &fetch->query))
        fetch_end(fetch);
}

static void on_lookup_deadline(void *ctx)
{
    struct lookup_request *request = ctx;
    struct fetch *fetch = fetch_of(request->waiter.flight);

    if (request->no_match_seen)
        lookup_finish_answered(request, NULL, false, request->answered);
    else
        lookup_finish_failed(request, LOOKUP_TIMEOUT);
    fetch_left(fetch);
}

void lookup_cut_short(struct lookup_request *request)
{
    struct fetch *fetch = fetch_of(request->waiter.flight);

    request->believe = mono_earlier(request->believe, loop_now(request->lookup->loop));
    if (!request->no_match_seen)
        return;
    lookup_finish_answered(request, NULL, false, request->answered);
    fetch_left(fetch);
}

void lookup_cancel(struct lookup_request *request)
{
    struct fetch *fetch = fetch_of(request->waiter.flight);

    request->outcome = LOOKUP_CANCELLED;
    lookup_finish(request);
    fetch_left(fetch);
}

/* ---- Requests as they come in */

/* Between its look into the cache and now the answer may have come. */
static bool answered_meanwhile(struct lookup *lookup, struct lookup_request *request,
                               struct mono now)
{
    struct cache_hit hit;

    if (!cache_get(lookup->cache, &request->addr, now, &hit))
        return false;
    if (hit.state == CACHE_FRESH && lookup_satisfies(request, &hit, now)) {
        enum freshness_source source = request->freshness.source;
        lookup_from_cache(request, &hit, now);
        request->freshness.source = source;
        request->freshness.collapsed = true;
        lookup_finish(request);
        return true;
    }
    host_record_unref(hit.record);
    return false;
}

/* True: it is answered from what is cached, as it may not pass over that now. */
static bool answered_from_memory(struct lookup *lookup, struct lookup_request *request,
                                 struct mono now)
{
    return request->freshness.source == FRESHNESS_REQUEST &&
           !rate_limits_take(lookup->repeats, request->turn, now) &&
           lookup_from_memory(lookup, request, now);
}

void fetch_take(struct lookup *lookup, struct lookup_request *request)
{
    struct mono now = loop_now(lookup->loop);
    int64_t wait = request->wait_ms >= 0 ? request->wait_ms : lookup->first_contact_wait;

    request->waiter = (struct waiter){0};
    request->deadline = (struct loop_timer){.fire = on_lookup_deadline, .ctx = request};
    request->turn = admission_turn(lookup->admission, request->flow);
    request->no_match_seen = false;
    /* It may have begun later than this round, in which p0f may answer: to believe that, too. */
    struct mono began = mono_earlier(request->began, now);
    request->believe = mono_add_ms(began, request->background ? 0 : wait);
    if (answered_meanwhile(lookup, request, now))
        return;
    /* One of a batch may come late. It is asked all the same, but nobody waits longer for it than
     * for the first one: that one's p0f may need its time after "no match" was to be believed. */
    struct mono latest = mono_add_ms(request->believe, lookup->timeout);
    struct mono deadline = mono_earlier(mono_add_ms(now, lookup->timeout), latest);
    if (!mono_before(now, latest)) {
        lookup_finish_failed(request, LOOKUP_TIMEOUT);
        return;
    }
    struct flight *flight = flights_find(lookup->flights, &request->addr);
    if (!flight && answered_from_memory(lookup, request, now)) {
        lookup_finish(request);
        return;
    }
    request->freshness.collapsed = flight != NULL;
    struct fetch *fetch = flight ? fetch_of(flight) : fetch_start(lookup, request);
    if (!fetch) {
        lookup_finish_failed(request, LOOKUP_UNAVAILABLE);
        return;
    }
    loop_arm(lookup->loop, &request->deadline, deadline);
    flight_join(&fetch->flight, &request->waiter);
    if (flight)
        hurry(fetch, request, now);
    else
        fetch_ask(fetch);
}
