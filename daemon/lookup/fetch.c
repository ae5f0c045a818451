/* SPDX-License-Identifier: MIT */
#include "lookup/fetch.h"

#include "core/metrics.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>

#define ASK_AGAIN_FIRST_MS 5 /* a new host is known to p0f after 4.6 ms in the median */
#define ASK_AGAIN_MAX_MS 250

struct fetcher {
    struct lookup_parts parts;
    struct pool *pool;
    struct flights *flights;
    _Atomic int64_t timeout;
    _Atomic int64_t first_contact_wait;
};

/* Lives from the first request for its address until p0f has answered and nobody waits for a better
 * answer. */
struct fetch {
    struct flight flight; /* first, so that one is the other */
    struct fetcher *fetcher;
    struct pool_query query;
    struct loop_timer ask_again; /* armed between two queries */
    int64_t pause_ms;            /* before the next one */
    struct boottime denied;      /* when p0f last said "no match" */
    bool asked;                  /* the query is queued or outstanding */
    bool retried;                /* after its connection broke */
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

static struct mono fetcher_now(const struct fetcher *fetcher)
{
    return loop_now(fetcher->parts.loop);
}

/* ---- Fetches */

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
    loop_disarm(fetch->fetcher->parts.loop, &fetch->ask_again);
    flights_remove(fetch->fetcher->flights, &fetch->flight);
    free(fetch);
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

static void fetch_ask(struct fetch *fetch)
{
    enum p0f_error error = pool_ask(fetch->fetcher->pool, &fetch->query);

    fetch->asked = error == P0F_OK;
    if (error != P0F_OK)
        fetch_fail(fetch, outcome_of(error));
}

static void fetch_found(struct fetch *fetch, const struct p0f_host *host)
{
    struct boottime now = fetch->fetcher->parts.boottime();
    struct host_record *record = host_record_new(&fetch->flight.addr, host, NULL, false);
    struct lookup_request *request;

    if (!record) {
        fetch_fail(fetch, LOOKUP_UNAVAILABLE);
        return;
    }
    bool stored = recall_put(fetch->fetcher->parts.recall, &fetch->flight.addr, record, now);
    while ((request = take_first(fetch)))
        lookup_finish_answered(&fetch->fetcher->parts, request, record, stored, now);
    host_record_unref(record);
    fetch_end(fetch);
}

/* From now on its deadline is for a better answer than the one it has. */
static void expect_better(struct fetcher *fetcher, struct lookup_request *request,
                          struct boottime answered)
{
    request->answered = answered;
    if (request->no_match_seen)
        return;
    request->no_match_seen = true;
    loop_arm(fetcher->parts.loop, &request->deadline,
             mono_add_ms(request->final_at, fetcher->timeout));
}

/* Answers the requests for which p0f's last "no match" is final. `put_off`: p0f would have been asked
 * again before, but for the rate limit. Returns when it is final for the next of the others. */
static struct mono answer_denied(struct fetch *fetch, struct mono now, bool put_off)
{
    struct mono next = {INT64_MAX};
    struct waiter *waiter, *following;
    bool stored = false, final = !is_wanted(fetch);

    TAILQ_FOREACH(waiter, &fetch->flight.waiters, link)
        final = final || !mono_before(now, request_of(waiter)->final_at);
    /* Cached before anybody is answered, so that their next request finds it. */
    if (final)
        stored = recall_put(fetch->fetcher->parts.recall, &fetch->flight.addr, NULL, fetch->denied);
    for (waiter = TAILQ_FIRST(&fetch->flight.waiters); waiter; waiter = following) {
        struct lookup_request *request = request_of(waiter);
        following = TAILQ_NEXT(waiter, link);
        if (mono_before(now, request->final_at)) {
            expect_better(fetch->fetcher, request, fetch->denied);
            next = mono_earlier(next, request->final_at);
        } else {
            flight_leave(waiter);
            request->freshness.rate_limited = put_off;
            lookup_finish_answered(&fetch->fetcher->parts, request, NULL, stored, fetch->denied);
        }
    }
    return next;
}

/* Asks p0f again later if some requests still wait for a better answer. */
static void fetch_denied(struct fetch *fetch, bool put_off)
{
    struct mono now = fetcher_now(fetch->fetcher);

    if (!put_off)
        fetch->denied = fetch->fetcher->parts.boottime();
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

/* A broken connection need not be the query's fault, so it is asked again once, on another connection;
 * more often if it was the answer to another query that broke it. */
static void fetch_broken(struct fetch *fetch, enum p0f_error error)
{
    bool innocent = error == P0F_LOST;
    bool again = is_wanted(fetch) && error != P0F_BAD_QUERY && (innocent || !fetch->retried);

    fetch->retried |= !innocent;
    if (!again || pool_ask(fetch->fetcher->pool, &fetch->query) != P0F_OK)
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
        fetch_denied(fetch, false);
    else
        fetch_broken(fetch, error);
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
        fetch_ask(fetch);
        return;
    }
    metrics_count(METRIC_REPEATS_PUT_OFF);
    fetch_denied(fetch, true);
}

/* For the first request. NULL when out of memory. */
static struct fetch *fetch_start(struct fetcher *fetcher, const struct lookup_request *request)
{
    struct fetch *fetch = calloc(1, sizeof *fetch);

    if (!fetch)
        return NULL;
    fetch->fetcher = fetcher;
    fetch->query = (struct pool_query){
        .addr = request->addr, .flow = request->turn, .answer = on_fetch_answer, .ctx = fetch};
    fetch->ask_again = (struct loop_timer){.fire = on_ask_again, .ctx = fetch};
    fetch->pause_ms = ASK_AGAIN_FIRST_MS;
    flights_add(fetcher->flights, &fetch->flight, &request->addr);
    return fetch;
}

/* For a request that joins: it waits neither for a pause that has grown long, nor behind all queries of
 * the client who asked first. */
static void promote(struct fetch *fetch, const struct lookup_request *request, struct mono now)
{
    struct mono soon = mono_earlier(mono_add_ms(now, ASK_AGAIN_FIRST_MS), request->final_at);

    if (loop_armed(&fetch->ask_again) && mono_before(soon, fetch->ask_again.at))
        loop_arm(fetch->fetcher->parts.loop, &fetch->ask_again, soon);
    pool_promote(fetch->fetcher->pool, &fetch->query, request->turn);
}

/* A request has left: a query that nobody waits for and that is not sent yet is dropped. */
static void fetch_left(struct fetch *fetch)
{
    if (is_wanted(fetch))
        return;
    if (!fetch->asked || pool_cancel(fetch->fetcher->pool, &fetch->query))
        fetch_end(fetch);
}

static void on_lookup_deadline(void *ctx)
{
    struct lookup_request *request = ctx;
    struct fetch *fetch = fetch_of(request->waiter.flight);

    if (request->no_match_seen)
        lookup_finish_answered(&fetch->fetcher->parts, request, NULL, false, request->answered);
    else
        lookup_finish_failed(&fetch->fetcher->parts, request, LOOKUP_TIMEOUT);
    fetch_left(fetch);
}

void fetch_cut_short(struct lookup_request *request)
{
    struct fetch *fetch = fetch_of(request->waiter.flight);

    request->final_at = mono_earlier(request->final_at, fetcher_now(fetch->fetcher));
    if (!request->no_match_seen)
        return;
    lookup_finish_answered(&fetch->fetcher->parts, request, NULL, false, request->answered);
    fetch_left(fetch);
}

void fetch_cancel(struct lookup_request *request)
{
    struct fetch *fetch = fetch_of(request->waiter.flight);

    request->outcome = LOOKUP_CANCELLED;
    lookup_finish(&fetch->fetcher->parts, request);
    fetch_left(fetch);
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
    request->no_match_seen = false;
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
        fetch_ask(fetch);
}

/* ---- The whole */

struct fetcher *fetcher_new(const struct lookup_parts *parts, struct hash_key key,
                            uint32_t expected)
{
    struct fetcher *fetcher = calloc(1, sizeof *fetcher);

    if (!fetcher)
        return NULL;
    fetcher->parts = *parts;
    fetcher->pool = sensors_pool(parts->asked.sensors, 0);
    fetcher->flights = flights_new(expected, key, NULL);
    if (!fetcher->flights) {
        free(fetcher);
        return NULL;
    }
    return fetcher;
}

void fetcher_free(struct fetcher *fetcher)
{
    if (!fetcher)
        return;
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
