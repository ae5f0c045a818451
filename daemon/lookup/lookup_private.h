/* SPDX-License-Identifier: MIT */
/* What lookup.c (the cache's side, any thread), journey.c (p0f's side, the loop's thread) and
 * lookup_finish.c share. Nobody else includes this. */
#ifndef LOOKUP_LOOKUP_PRIVATE_H
#define LOOKUP_LOOKUP_PRIVATE_H

#include "lookup/admission.h"
#include "lookup/lookup.h"
#include "lookup/rate_limit.h"

#include <stdatomic.h>

struct lookup {
    struct loop *loop;
    struct cache *cache;
    struct pool *pool;
    clock_fn *clock;
    struct hash_key key;
    struct flights *flights; /* the loop's thread's */
    struct admission *admission;
    struct rate_limits *repeats; /* of questions that p0f has answered just before */
    _Atomic int64_t timeout;
    _Atomic int64_t first_contact_wait;
};

/* Whether what the cache has is what the request wants. */
bool lookup_satisfies(const struct lookup_request *request, const struct cache_hit *hit,
                      struct mono now);

/* Answers from the cache. Takes the hit's reference over. */
void lookup_from_cache(struct lookup_request *request, const struct cache_hit *hit,
                       struct mono now);

/* When p0f fails: answers from the cache, if it has something the request can live with. */
bool lookup_from_stale(struct lookup *lookup, struct lookup_request *request, struct mono now);

/* For one that may not have p0f asked again: answers from what it passed over, and says so. False when
 * that is there no more. */
bool lookup_from_memory(struct lookup *lookup, struct lookup_request *request, struct mono now);

/* Counts a request that is done and that somebody has waited for. */
void lookup_count(const struct lookup_request *request);

/* Ends a submitted request with what is in it; with what is remembered, else `outcome`; or with what
 * p0f said at `answered` (NULL: "no match"; the request takes a reference). `stored`: the cache has
 * it. Each gives its place back, after done(). */
void lookup_finish(struct lookup_request *request);
void lookup_finish_failed(struct lookup_request *request, enum lookup_outcome outcome);
void lookup_finish_answered(struct lookup_request *request, struct host_record *record, bool stored,
                            struct mono answered);

/* Sees a submitted request through: finds or starts the journey of its address and joins it. */
void fetch_take(struct lookup *lookup, struct lookup_request *request);

#endif
