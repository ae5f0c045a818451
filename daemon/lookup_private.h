/* What lookup.c (the cache's side, any thread) and journey.c (p0f's side, the loop's thread) share.
 * Nobody else includes this. */
#ifndef LOOKUP_PRIVATE_H
#define LOOKUP_PRIVATE_H

#include "lookup.h"
#include "places.h"

#include <stdatomic.h>

struct lookup {
    struct loop *loop;
    struct cache *cache;
    struct pool *pool;
    clock_fn *clock;
    struct hash_key key;
    struct flights *flights; /* the loop's thread's */
    struct places *places;
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

/* Counts a request that is done and that somebody has waited for. */
void lookup_count(const struct lookup_request *request);

/* Sees a submitted request through: finds or starts the journey of its address and joins it. */
void journey_take(struct lookup *lookup, struct lookup_request *request);

#endif
