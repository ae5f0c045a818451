/* SPDX-License-Identifier: MIT */
#include "lookup/fetch.h"

#include "core/metrics.h"
#include "lookup/gather.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>

#define ASK_AGAIN_FIRST_MS 5 /* a new host is known to p0f after 4.6 ms in the median */
#define ASK_AGAIN_MAX_MS 250

struct fetcher {
    struct lookup_parts parts;
    struct flights *flights;
    _Atomic int64_t timeout;
    _Atomic int64_t first_contact_wait;
};

/* Lives from the first request for its address until there is an answer and nobody waits for a better one.
 * Its memory, with that of its gather behind it, lasts until no query is outstanding. */
struct fetch {
    struct flight flight; /* first, so that one is the other */
    struct fetcher *fetcher;
    unsigned turn;               /* the flow that it asks in: that of the first request */
    struct boottime asked;       /* when the last round began */
    struct loop_timer ask_again; /* armed between two rounds */
    int64_t pause_ms;            /* before the next one */
    enum lookup_outcome denial;  /* last: LOOKUP_NO_MATCH, or why not all could say so */
    struct boottime denied;      /* when that was */
};

static struct fetch *fetch_of(struct flight *flight)
{
    return (struct fetch *)flight;
}

static struct gather *gather_of(struct fetch *fetch)
{
    return (struct gather *)(fetch + 1);
}

static struct lookup_request *request_of(const struct waiter *waiter)
{
    return (struct lookup_request *)((char *)waiter - offsetof(struct lookup_request, waiter));
}

static bool is_wanted(const struct fetch *fetch)
{
    return !TAILQ_EMPTY(&fetch->flight.waiters);
}

static struct mono fetcher_now(const struct fetcher *fetcher)
{
    return loop_now(fetcher->parts.loop);
}

/* ---- Fetches */

static void fetch_end(struct fetch *fetch)
{
    loop_disarm(fetch->fetcher->parts.loop, &fetch->ask_again);
    flights_remove(fetch->fetcher->flights, &fetch->flight);
    gather_end(gather_of(fetch)); /* frees it, now or later */
}

/* Removes the first request that waits and returns it. NULL when none does. */
static struct lookup_request *take_first(struct fetch *fetch)
{
    struct waiter *waiter = flight_take_first(&fetch->flight);

    return waiter ? request_of(waiter) : NULL;
}

static void fetch_fail(struct fetch *fetch, enum lookup_outcome outcome)
{
    struct lookup_request *request;

    while ((request = take_first(fetch)))
        lookup_finish_failed(&fetch->fetcher->parts, request, outcome);
    fetch_end(fetch);
}

static void fetch_ask(struct fetch *fetch, unsigned turn)
{
    struct fetcher *fetcher = fetch->fetcher;

    if (gather_has_several(&fetcher->parts.asked))
        fetch->asked = fetcher->parts.boottime();
    if (!gather_ask(gather_of(fetch), turn, fetcher->timeout))
        fetch_fail(fetch, LOOKUP_UNAVAILABLE);
}

/* As of when an answer holds. Of several words, the oldest may be from when they were asked. */
static struct boottime answered_at(const struct fetch *fetch)
{
    const struct lookup_parts *parts = &fetch->fetcher->parts;

    return gather_has_several(&parts->asked) ? fetch->asked : parts->boottime();
}

static void fetch_found(struct fetch *fetch, const struct gather_answer *answer)
{
    struct boottime answered = answered_at(fetch);
    struct host_record *record =
        host_record_new(&fetch->flight.addr, answer->host, answer->sensor, answer->partial);
    struct lookup_request *request;

    if (!record) {
        fetch_fail(fetch, LOOKUP_UNAVAILABLE);
        return;
    }
    bool stored = recall_put(fetch->fetcher->parts.recall, &fetch->flight.addr, record, answered);
    while ((request = take_first(fetch)))
        lookup_finish_answered(&fetch->fetcher->parts, request, record, stored, answered);
    host_record_unref(record);
    fetch_end(fetch);
}

/* Answers the requests for which the last denial is final. `put_off`: p0f would have been asked again
 * before, but for the rate limit. Returns when it is final for the next of the others. */
static struct mono answer_denied(struct fetch *fetch, struct mono now, bool put_off)
{
    const struct fetcher *fetcher = fetch->fetcher;
    struct mono next = {INT64_MAX};
    struct waiter *waiter, *following;
    bool stored = false, final = !is_wanted(fetch);

    TAILQ_FOREACH(waiter, &fetch->flight.waiters, link)
        final = final || !mono_before(now, request_of(waiter)->final_at);
    /* Cached before anybody is answered, so that their next request finds it. */
    if (final && fetch->denial == LOOKUP_NO_MATCH)
        stored = recall_put(fetcher->parts.recall, &fetch->flight.addr, NULL, fetch->denied);
    for (waiter = TAILQ_FIRST(&fetch->flight.waiters); waiter; waiter = following) {
        struct lookup_request *request = request_of(waiter);
        following = TAILQ_NEXT(waiter, link);
        bool waits = mono_before(now, request->final_at);
        /* From now on, its deadline is for a better answer than the one it has. */
        if (waits && request->so_far == LOOKUP_TIMEOUT)
            loop_arm(fetcher->parts.loop, &request->deadline,
                     mono_add_ms(request->final_at, fetcher->timeout));
        request->so_far = fetch->denial;
        request->answered = fetch->denied;
        if (waits) {
            next = mono_earlier(next, request->final_at);
        } else {
            flight_leave(waiter);
            request->freshness.rate_limited = put_off;
            lookup_finish_so_far(&fetcher->parts, request, stored);
        }
    }
    return next;
}

/* Asks p0f again later if some requests still wait for a better answer. */
static void fetch_denied(struct fetch *fetch, bool put_off)
{
    struct mono now = fetcher_now(fetch->fetcher);
    struct mono final = answer_denied(fetch, now, put_off);

    if (!is_wanted(fetch)) {
        fetch_end(fetch);
        return;
    }
    struct mono next = mono_earlier(mono_add_ms(now, fetch->pause_ms), final);
    fetch->pause_ms *= 2;
    if (fetch->pause_ms > ASK_AGAIN_MAX_MS)
        fetch->pause_ms = ASK_AGAIN_MAX_MS;
    loop_arm(fetch->fetcher->parts.loop, &fetch->ask_again, next);
}

/* After a partial "no match", one of those sensors may soon know the host, or the others may be back. */
static void on_fetch_answer(void *ctx, const struct gather_answer *answer)
{
    struct fetch *fetch = ctx;
    enum lookup_outcome outcome = lookup_outcome_of(answer);

    if (outcome == LOOKUP_FOUND) {
        fetch_found(fetch, answer);
    } else if (outcome == LOOKUP_NO_MATCH || answer->partial) {
        fetch->denial = outcome;
        fetch->denied = answered_at(fetch);
        fetch_denied(fetch, false);
    } else {
        fetch_fail(fetch, outcome);
    }
}

/* Charges the first waiter whose limit allows it. */
static bool may_ask_again(const struct fetch *fetch, struct mono now)
{
    unsigned refused = FLOWS; /* the last one refused: many in a row may be of one client */
    const struct waiter *waiter;

    TAILQ_FOREACH(waiter, &fetch->flight.waiters, link) {
        unsigned turn = request_of(waiter)->turn;
        if (turn != refused && rate_limits_take(fetch->fetcher->parts.repeats, turn, now))
            return true;
        refused = turn;
    }
    return false;
}

static void on_ask_again(void *ctx)
{
    struct fetch *fetch = ctx;

    if (may_ask_again(fetch, fetcher_now(fetch->fetcher))) {
        fetch_ask(fetch, fetch->turn);
        return;
    }
    metrics_count(METRIC_REPEATS_PUT_OFF);
    fetch_denied(fetch, true);
}

/* For the first request. NULL when out of memory. */
static struct fetch *fetch_start(struct fetcher *fetcher, const struct lookup_request *request)
{
    const struct gather_parts *asked = &fetcher->parts.asked;
    struct fetch *fetch = malloc(sizeof *fetch + gather_size(asked));

    if (!fetch)
        return NULL;
    *fetch = (struct fetch){
        .fetcher = fetcher,
        .turn = request->turn,
        .ask_again = {.fire = on_ask_again, .ctx = fetch},
        .pause_ms = ASK_AGAIN_FIRST_MS,
    };
    gather_start(gather_of(fetch), asked, &request->addr, on_fetch_answer, free, fetch);
    flights_add(fetcher->flights, &fetch->flight, &request->addr);
    return fetch;
}

/* For a request that joins: it waits neither for a pause that has grown long, nor behind all queries of
 * the client who asked first, nor for a sensor that others need not wait for. */
static void promote(struct fetch *fetch, const struct lookup_request *request, struct mono now)
{
    struct mono soon = mono_earlier(mono_add_ms(now, ASK_AGAIN_FIRST_MS), request->final_at);

    if (loop_armed(&fetch->ask_again) && mono_before(soon, fetch->ask_again.at))
        loop_arm(fetch->fetcher->parts.loop, &fetch->ask_again, soon);
    if (gather_is_stuck(gather_of(fetch), fetch->fetcher->timeout))
        fetch_ask(fetch, request->turn);
    else
        gather_promote(gather_of(fetch), request->turn);
}

/* Ends the fetch if nobody waits for it any more and nothing is outstanding. Before the request is finished,
 * whose done() may ask again. */
static void leave(struct lookup_request *request)
{
    struct fetch *fetch = fetch_of(request->waiter.flight);

    flight_leave(&request->waiter);
    if (!is_wanted(fetch) && gather_cancel(gather_of(fetch)))
        fetch_end(fetch);
}

static void on_lookup_deadline(void *ctx)
{
    struct lookup_request *request = ctx;

    if (gather_expire(gather_of(fetch_of(request->waiter.flight))))
        return; /* it has been answered, or has a "no match" now and waits for better */
    leave(request);
    lookup_finish_so_far(&request->fetcher->parts, request, false);
}

void fetch_cut_short(struct lookup_request *request)
{
    request->final_at = mono_earlier(request->final_at, fetcher_now(request->fetcher));
    if (request->so_far == LOOKUP_TIMEOUT)
        return;
    leave(request);
    lookup_finish_so_far(&request->fetcher->parts, request, false);
}

void fetch_cancel(struct lookup_request *request)
{
    leave(request);
    request->outcome = LOOKUP_CANCELLED;
    lookup_finish(&request->fetcher->parts, request);
}

/* ---- Arriving requests */

/* From the cache entry that the request did not want, if its client has p0f asked too often. */
static bool answer_limited(struct fetcher *fetcher, struct lookup_request *request, struct mono now)
{
    return request->freshness.source == FRESHNESS_REQUEST &&
           !rate_limits_take(fetcher->parts.repeats, request->turn, now) &&
           recall_limited(fetcher->parts.recall, request, fetcher->parts.boottime());
}

static void prepare(struct fetcher *fetcher, struct lookup_request *request, struct mono now)
{
    int64_t wait = request->wait_ms >= 0 ? request->wait_ms : fetcher->first_contact_wait;
    /* It may have begun after this round did, whose answers must be final nevertheless. */
    struct mono began = mono_earlier(request->began, now);

    request->record = NULL;
    request->fetcher = fetcher;
    request->waiter = (struct waiter){0};
    request->deadline = (struct loop_timer){.fire = on_lookup_deadline, .ctx = request};
    request->turn = admission_turn(fetcher->parts.admission, request->flow);
    request->so_far = LOOKUP_TIMEOUT;
    request->final_at = mono_add_ms(began, request->background ? 0 : wait);
}

void fetch_begin(struct fetcher *fetcher, struct lookup_request *request)
{
    struct mono now = fetcher_now(fetcher);

    prepare(fetcher, request, now);
    if (recall_arrived(fetcher->parts.recall, request, fetcher->parts.boottime())) {
        lookup_finish(&fetcher->parts, request);
        return;
    }
    /* Later items of a batch begin late, as do queries that have waited for a turn in the relay. They are
     * still sent, but none waits longer than `timeout` from when its "no match" is final. */
    struct mono latest = mono_add_ms(request->final_at, fetcher->timeout);
    struct mono deadline = mono_earlier(mono_add_ms(now, fetcher->timeout), latest);
    if (!mono_before(now, latest)) {
        lookup_finish_failed(&fetcher->parts, request, LOOKUP_TIMEOUT);
        return;
    }
    struct flight *flight = flights_find(fetcher->flights, &request->addr);
    if (!flight && answer_limited(fetcher, request, now)) {
        lookup_finish(&fetcher->parts, request);
        return;
    }
    request->freshness.collapsed = flight != NULL;
    struct fetch *fetch = flight ? fetch_of(flight) : fetch_start(fetcher, request);
    if (!fetch) {
        lookup_finish_failed(&fetcher->parts, request, LOOKUP_UNAVAILABLE);
        return;
    }
    loop_arm(fetcher->parts.loop, &request->deadline, deadline);
    flight_join(&fetch->flight, &request->waiter);
    if (flight)
        promote(fetch, request, now);
    else
        fetch_ask(fetch, fetch->turn);
}

/* ---- The whole */

struct fetcher *fetcher_new(const struct lookup_parts *parts, struct hash_key key,
                            uint32_t expected)
{
    struct fetcher *fetcher = calloc(1, sizeof *fetcher);

    if (!fetcher)
        return NULL;
    fetcher->parts = *parts;
    fetcher->flights = flights_new(expected, key, NULL);
    if (!fetcher->flights) {
        free(fetcher);
        return NULL;
    }
    return fetcher;
}

void fetcher_free(struct fetcher *fetcher)
{
    struct flight *flight;

    if (!fetcher)
        return;
    while ((flight = flights_any(fetcher->flights))) /* kept only by a read from the tier */
        fetch_end(fetch_of(flight));
    flights_free(fetcher->flights);
    free(fetcher);
}

void fetcher_set_times(struct fetcher *fetcher, int64_t timeout, int64_t first_contact_wait)
{
    fetcher->timeout = timeout;
    fetcher->first_contact_wait = first_contact_wait;
}

uint32_t fetcher_flights(const struct fetcher *fetcher)
{
    return flights_count(fetcher->flights);
}
