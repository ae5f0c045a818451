/* SPDX-License-Identifier: MIT */
/* One lookup: what is wanted, and the result. */
#ifndef LOOKUP_LOOKUP_REQUEST_H
#define LOOKUP_LOOKUP_REQUEST_H

#include "core/clock.h"
#include "core/loop.h"
#include "lookup/flight.h"
#include "lookup/freshness.h"
#include "lookup/host_record.h"
#include "p0f/flow.h"

enum lookup_outcome {
    LOOKUP_FOUND,
    LOOKUP_NO_MATCH,
    LOOKUP_BAD_RESPONSE, /* p0f's response was malformed */
    LOOKUP_UNAVAILABLE,  /* not connected to p0f */
    LOOKUP_INCOMPLETE,   /* "no match" from some sensors, while another one does not answer */
    LOOKUP_OVERLOADED,   /* too many lookups are pending */
    LOOKUP_TIMEOUT,
    LOOKUP_NOT_CACHED,    /* only_if_cached, and it is not */
    LOOKUP_NOT_FRESH,     /* only_if_cached, and what is cached is too old for the request */
    LOOKUP_CONTRADICTORY, /* only_if_cached, and nothing cached is accepted (max_age_ms 0) */
    LOOKUP_CANCELLED,     /* its client has gone */
};

#define LOOKUP_WAIT_UNSET (-1)
#define LOOKUP_MAX_AGE_UNSET (-1)

struct fetcher;

struct lookup_request {
    /* Set by the caller. */
    struct p0f_addr addr;
    struct boottime came; /* what is cached is as old as it was then */
    struct mono began;    /* its timeout counts from then; unless lookup_recall() answers it */
    int64_t wait_ms;      /* how long "no match" is asked again, or LOOKUP_WAIT_UNSET */
    /* Only an answer younger than this is accepted; 0 always queries p0f. Or LOOKUP_MAX_AGE_UNSET. */
    int64_t max_age_ms;
    bool only_if_cached; /* p0f is not queried */
    bool here_now;       /* the host is sending to us now: a "no match" from before means nothing */
    struct flow flow;    /* whose lookup it is */
    void (*done)(struct lookup_request *request); /* in the loop's thread, once, after a submit */

    /* Set when done. */
    enum lookup_outcome outcome;
    struct host_record *record; /* with LOOKUP_FOUND: the caller's reference */
    struct freshness freshness; /* with LOOKUP_FOUND and LOOKUP_NO_MATCH */

    /* The lookup's own. */
    struct fetcher *fetcher;
    struct loop_task task;
    struct waiter waiter;
    struct loop_timer deadline;
    unsigned turn;        /* the flow number that its queries to p0f count for */
    struct mono final_at; /* from then on a "no match" is final */
    /* Its outcome at the deadline: LOOKUP_TIMEOUT or, while it waits for a better answer, LOOKUP_NO_MATCH or an
     * error. */
    enum lookup_outcome so_far;
    struct boottime answered; /* the time of that answer */
    bool background;          /* a refresh, which nobody waits for */
};

/* Counts a finished lookup in the metrics. */
void lookup_request_count(const struct lookup_request *request);

#endif
