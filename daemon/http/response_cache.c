/* SPDX-License-Identifier: MIT */
#include "http/response_cache.h"

#include <microhttpd.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS 64u

struct slot {
    const struct host_record *latest; /* requested here last: twice in a row earns the slot */
    struct response_cache_key key;
    struct MHD_Response *response; /* NULL: empty, or taken out */
};

struct response_cache {
    struct slot slots[SLOTS];
};

struct response_cache *response_cache_new(void)
{
    return calloc(1, sizeof(struct response_cache));
}

void response_cache_free(struct response_cache *response_cache)
{
    if (!response_cache)
        return;
    for (unsigned i = 0; i < SLOTS; i++)
        if (response_cache->slots[i].response)
            MHD_destroy_response(response_cache->slots[i].response);
    free(response_cache);
}

struct response_cache_key response_cache_key(const struct host_record *record,
                                             enum render_format format,
                                             const struct freshness *freshness)
{
    return (struct response_cache_key){
        .record = record,
        .format = format,
        .age_s = freshness->age_ms / 1000,
        .left_s = (freshness->ttl_ms - freshness->age_ms) / 1000,
        .ttl_ms = freshness->ttl_ms,
        .stale_while_revalidate_ms = freshness->stale_while_revalidate_ms,
        .stale_if_error_ms = freshness->stale_if_error_ms,
        .rate_limited = freshness->rate_limited,
    };
}

static bool same(const struct response_cache_key *a, const struct response_cache_key *b)
{
    return a->record == b->record && a->format == b->format && a->age_s == b->age_s &&
           a->left_s == b->left_s && a->ttl_ms == b->ttl_ms &&
           a->stale_while_revalidate_ms == b->stale_while_revalidate_ms &&
           a->stale_if_error_ms == b->stale_if_error_ms && a->rate_limited == b->rate_limited;
}

static struct slot *response_slot(struct response_cache *response_cache,
                                  const struct host_record *record)
{
    uintptr_t bits = (uintptr_t)record;

    return &response_cache->slots[(bits >> 6 ^ bits >> 12) % SLOTS];
}

struct MHD_Response *response_cache_take(struct response_cache *response_cache,
                                         const struct response_cache_key *key)
{
    struct slot *slot = response_slot(response_cache, key->record);
    struct MHD_Response *response = slot->response;

    if (!response || !same(&slot->key, key))
        return NULL;
    slot->response = NULL;
    return response;
}

void response_cache_put(struct response_cache *response_cache, const struct response_cache_key *key,
                        struct MHD_Response *response)
{
    struct slot *slot = response_slot(response_cache, key->record);
    struct MHD_Response *dropped = response;

    if (slot->latest == key->record) {
        dropped = slot->response;
        slot->response = response;
        slot->key = *key;
    }
    slot->latest = key->record;
    if (dropped)
        MHD_destroy_response(dropped);
}
