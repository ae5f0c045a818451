/* SPDX-License-Identifier: MIT */
/* Caches responses to be queued again: a popular host is requested many times in the second in which its
 * Age stays the same. Each worker has a cache of its own, as sharing cache lines costs more than building
 * the response twice. The worker's thread only. */
#ifndef HTTP_RESPONSE_CACHE_H
#define HTTP_RESPONSE_CACHE_H

#include "lookup/freshness.h"
#include "lookup/host_record.h"

#include <stdint.h>

struct MHD_Response;
struct response_cache;

/* Two hits with equal keys have the same response. */
struct response_cache_key {
    /* The response keeps it alive, so its address is not reused. */
    const struct host_record *record;
    enum render_format format;
    int64_t age_s;
    int64_t left_s; /* of its time to live */
    int64_t ttl_ms;
    int64_t stale_while_revalidate_ms;
    int64_t stale_if_error_ms;
    bool rate_limited;
};

/* NULL when out of memory. */
struct response_cache *response_cache_new(void);

/* No-op on NULL. */
void response_cache_free(struct response_cache *response_cache);

/* For a hit (FRESHNESS_HIT) that is not stale. */
struct response_cache_key response_cache_key(const struct host_record *record,
                                             enum render_format format,
                                             const struct freshness *freshness);

/* Removes and returns the response for `key`, or NULL. The caller owns it. */
struct MHD_Response *response_cache_take(struct response_cache *response_cache,
                                         const struct response_cache_key *key);

/* Takes the response over: keeps it if its host is requested often enough, else releases it. It must not
 * be changed any more. */
void response_cache_put(struct response_cache *response_cache, const struct response_cache_key *key,
                        struct MHD_Response *response);

#endif
