/* SPDX-License-Identifier: MIT */
/* The way of a request: answered from the cache in the caller's thread (lookup_recall); or else
 * admitted (lookup_admit) and handed to the loop's thread (lookup_submit), which waits for p0f.
 *
 * The functions may be called from any thread, unless they say otherwise. */
#ifndef LOOKUP_LOOKUP_H
#define LOOKUP_LOOKUP_H

#include "core/loop.h"
#include "lookup/admission.h"
#include "lookup/gather.h"
#include "lookup/lookup_request.h"
#include "lookup/recall.h"

struct lookup;

/* What a reload may change. Milliseconds. */
struct lookup_limits {
    int64_t timeout;            /* how long a request waits for p0f */
    int64_t first_contact_wait; /* how long "no match" is asked again, unless the request says */
    uint32_t max_pending;       /* lookups that wait at once */
    uint32_t reserve;           /* on top, for clients who have few (admission.h) */

    /* How many times a second p0f is asked again what it has just answered, because a request does not
     * take a "no match" for final yet or does not want a fresh cache entry. 0: no limit. */
    uint32_t max_repeat_rate;
    uint32_t max_repeat_rate_per_client;
};

/* Borrows loop, recall and the parts in `asked` until lookup_free(). NULL with errno when out of memory. */
struct lookup *lookup_new(struct loop *loop, struct recall *recall,
                          const struct gather_parts *asked, boottime_fn *boottime,
                          struct hash_key key, const struct lookup_limits *limits);

/* No request may be pending, and no answer of a sensor outstanding; a read from the tier may be. No-op on NULL. */
void lookup_free(struct lookup *lookup);

/* Applies to requests from now on. */
void lookup_set_limits(struct lookup *lookup, const struct lookup_limits *limits);

/* Admits nothing from now on, unless there are new limits: once no request is pending after this, none
 * ever will be. */
void lookup_close(struct lookup *lookup);

/* The time by the lookup's clocks: for a request's `came`, and for its `began`. */
struct boottime lookup_boottime(const struct lookup *lookup);
struct mono lookup_mono(const struct lookup *lookup);

/* The flow of a client (NULL: without an address). */
struct flow lookup_flow(const struct lookup *lookup, const struct p0f_addr *client);

/* The flow of a client on this machine that has no address; see flow_of_process(). */
struct flow lookup_flow_of_process(const struct lookup *lookup, pid_t pid);

/* Answers the request from the cache, or because p0f is not to be asked; false if neither. `came` must
 * be set. `may_refresh`: a stale answer may be refreshed in the background. */
bool lookup_recall(struct lookup *lookup, struct lookup_request *request, bool may_refresh)
    P0F_MUST_USE;

/* After lookup_recall(), with `began` and `flow` set: admits the request, which counts as pending from then
 * on and must be given to lookup_submit(). False: the request is answered. Either it is not admitted, and
 * gets what is cached, however old, or LOOKUP_OVERLOADED; or it does not want the cache entry, but its
 * client has p0f asked again too often, and gets that entry. */
bool lookup_admit(struct lookup *lookup, struct lookup_request *request) P0F_MUST_USE;

/* Hands an admitted request to the loop's thread. It must not be touched until done() is called, but by
 * fetch_cut_short() and fetch_cancel(). */
void lookup_submit(struct lookup *lookup, struct lookup_request *request);

/* Whether there are cached hosts that could be served now without p0f. */
bool lookup_has_servable(const struct lookup *lookup);

/* Requests admitted and not done yet. */
uint32_t lookup_pending(const struct lookup *lookup);

struct lookup_counts {
    uint32_t pending;     /* above max_pending while part of the reserve is in use */
    uint32_t max_pending; /* in force */
    uint32_t flights;     /* addresses they wait for */
};

/* In the loop's thread. */
struct lookup_counts lookup_counts(const struct lookup *lookup);

/* ---- For a batch, which counts many requests as one */

struct loop *lookup_loop(const struct lookup *lookup);

/* For admission_claim(); released when lookup_begin()'s request is done. */
struct admission *lookup_admission(const struct lookup *lookup);

/* Starts to load into the processor's cache what lookup_recall() reads first. Call it a little
 * earlier. */
void lookup_prefetch(const struct lookup *lookup, const struct p0f_addr *addr);

/* Answers a request that is not admitted, as lookup_admit() does. */
void lookup_refuse(struct lookup *lookup, struct lookup_request *request);

/* Answers a request whose client has gone before it began (LOOKUP_CANCELLED). */
void lookup_drop(struct lookup_request *request);

/* As lookup_submit(), but at once and in the loop's thread: done() may be called before this returns. */
void lookup_begin(struct lookup *lookup, struct lookup_request *request);

#endif
