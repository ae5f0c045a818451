/* SPDX-License-Identifier: MIT */
/* The way of a request: the cache, else the flight for its address, else p0f through the pool.
 *
 * lookup_try() answers from the cache in the caller's thread. What it cannot answer needs a place to
 * wait in, from lookup_admit(), and is handed to the loop's thread with lookup_submit(), which alone
 * owns flights and pool, and is finished there. */
#ifndef LOOKUP_LOOKUP_H
#define LOOKUP_LOOKUP_H

#include "core/loop.h"
#include "lookup/cache.h"
#include "lookup/flight.h"
#include "lookup/freshness.h"
#include "lookup/host_record.h"
#include "p0f/flow.h"
#include "p0f/pool.h"

struct lookup;

/* What may be changed while it runs. Milliseconds. */
struct lookup_limits {
    int64_t timeout;            /* how long a request waits for p0f */
    int64_t first_contact_wait; /* how long "no match" is asked again, unless the request says */
    uint32_t max_pending;       /* lookups waiting at once, */
    uint32_t reserve;           /* and so many more of clients who have few (admission.h) */

    /* How often a second p0f is asked again what it has said just before: since a request does not
     * believe a "no match" yet, or passes over what is cached and has not expired. 0: no limit. */
    uint32_t max_repeat_rate; /* in all */
    uint32_t max_repeat_rate_per_client;
};

enum lookup_outcome {
    LOOKUP_FOUND,
    LOOKUP_NO_MATCH,
    LOOKUP_BAD_RESPONSE, /* p0f answered nonsense */
    LOOKUP_UNAVAILABLE,  /* not connected */
    LOOKUP_OVERLOADED,   /* as many lookups wait as may */
    LOOKUP_TIMEOUT,
    LOOKUP_NOT_CACHED, /* only what is cached was wanted */
    LOOKUP_CANCELLED,  /* nobody wants it any more */
};

#define LOOKUP_WAIT_UNSET (-1)
#define LOOKUP_MAX_AGE_UNSET (-1)

struct lookup_request {
    /* Set by the caller. */
    struct p0f_addr addr;
    int64_t wait_ms;     /* as the request states it, or LOOKUP_WAIT_UNSET */
    int64_t max_age_ms;  /* nothing older will do, or LOOKUP_MAX_AGE_UNSET; 0 asks p0f again */
    bool only_if_cached; /* p0f is not asked at all */
    bool here_now;       /* p0f sees the host just now: what it did not know before says nothing */
    struct flow flow;    /* whose place it takes, for lookup_begin(); lookup_admit() sets it */
    void (*done)(struct lookup_request *request); /* in the loop's thread, once, after a submit */

    /* Set when done. */
    enum lookup_outcome outcome;
    struct host_record
        *record; /* with LOOKUP_FOUND: a reference that is the caller's to give back */
    struct freshness freshness; /* with LOOKUP_FOUND and LOOKUP_NO_MATCH */

    /* The lookup's own. */
    struct lookup *lookup;
    struct loop_task task;
    struct mono began; /* its waiting counts from then */
    struct waiter waiter;
    struct loop_timer deadline;
    unsigned turn;        /* whose turn with p0f it takes */
    struct mono believe;  /* from then on a "no match" is believed */
    struct mono answered; /* when p0f last said "no match" to it */
    bool no_match_seen;
    bool background; /* nobody waits: the cache is being refreshed */
};

/* Borrows loop, cache and pool until lookup_free(). NULL with errno when out of memory. */
struct lookup *lookup_new(struct loop *loop, struct cache *cache, struct pool *pool,
                          clock_fn *clock, struct hash_key key, const struct lookup_limits *limits);

/* No request may be pending, and nothing be owed by the pool. */
void lookup_free(struct lookup *lookup);

/* In force for requests from now on. Any thread. */
void lookup_set_limits(struct lookup *lookup, const struct lookup_limits *limits);

/* There are no places from here on: when none is pending after this, none ever will be, unless there
 * are new limits. Any thread. */
void lookup_close(struct lookup *lookup);

/* For whoever will ask for this address in a moment: has the memory it is in fetched. Any thread. */
void lookup_expect(const struct lookup *lookup, const struct p0f_addr *addr);

/* Answers from the cache, or because p0f is not to be asked; false when it cannot. Any thread. */
bool lookup_try(struct lookup *lookup, struct lookup_request *request) P0F_MUST_USE;

/* After lookup_try(): finds a place for it, as one of this caller's (NULL: who has no address). Then it
 * counts as pending and must be given to lookup_submit(). False when there is none: it is answered,
 * with what there is, however old, or LOOKUP_OVERLOADED. False, too, when it passes over what is
 * cached and this caller has p0f asked again too often: it is answered with that. Any thread. */
bool lookup_admit(struct lookup *lookup, struct lookup_request *request,
                  const struct p0f_addr *caller) P0F_MUST_USE;

/* Hands the request to the loop's thread; it is the lookup's until done() is called. Any thread. */
void lookup_submit(struct lookup *lookup, struct lookup_request *request);

/* Its client has closed its sending side, so it may have gone: it waits for p0f's next word, and for no
 * better one. That may be the one it has: then done() is called before this returns. In the loop's
 * thread, between lookup_begin() (or the arrival there of what was submitted) and done(), and not from
 * within the done() of another. */
void lookup_cut_short(struct lookup_request *request);

/* Its client has gone: nobody waits for it any more (LOOKUP_CANCELLED). done() is called before this
 * returns. What was to be asked for nobody else is not asked. When, as lookup_cut_short(). */
void lookup_cancel(struct lookup_request *request);

/* Requests submitted and not yet done, and places claimed. Any thread. */
uint32_t lookup_pending(const struct lookup *lookup);

struct lookup_counts {
    uint32_t pending;     /* requests; more than max_pending while some have spare places */
    uint32_t max_pending; /* in force */
    uint32_t flights;     /* hosts they wait for */
};

/* In the loop's thread. */
struct lookup_counts lookup_counts(const struct lookup *lookup);

/* ---- The parts of the above, for whoever makes many requests and counts them as one (batch.c) */

/* What the lookup's clock says. Any thread. */
struct mono lookup_now(const struct lookup *lookup);

/* The loop that it runs in. */
struct loop *lookup_loop(const struct lookup *lookup);

/* As lookup_try(). `may_refresh`: a stale answer may make a lookup of its own in the background. */
bool lookup_recall(struct lookup *lookup, struct lookup_request *request, struct mono now,
                   bool may_refresh) P0F_MUST_USE;

/* Who a caller is among those who share the places. Any thread. */
struct flow lookup_flow(const struct lookup *lookup, const struct p0f_addr *caller);

/* Makes one lookup more of this asker's count as pending, if there is a place. lookup_begin() uses it
 * up. Any thread. */
bool lookup_claim(struct lookup *lookup, struct flow flow) P0F_MUST_USE;

/* Answers a request that finds no place, as lookup_admit() does. */
void lookup_refuse(struct lookup *lookup, struct lookup_request *request);

/* Answers a request that nobody wants any more before it was begun (LOOKUP_CANCELLED). */
void lookup_drop(struct lookup_request *request);

/* As lookup_submit(), but at once, and with `began` set by the caller: it waits no longer than if it
 * had been submitted then. In the loop's thread; done() may be called before this returns. */
void lookup_begin(struct lookup *lookup, struct lookup_request *request);

#endif
