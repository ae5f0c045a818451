#include "http/response_cache.h"

#include <microhttpd.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define PLACES 64u

struct place {
    const struct answer *latest; /* asked for here last: twice in a row earns the place */
    struct http_recent_key key;
    struct MHD_Response *response; /* NULL: empty, or taken out */
};

struct http_recent {
    struct place places[PLACES];
};

struct http_recent *http_recent_new(void)
{
    return calloc(1, sizeof(struct http_recent));
}

void http_recent_free(struct http_recent *recent)
{
    if (!recent)
        return;
    for (unsigned i = 0; i < PLACES; i++)
        if (recent->places[i].response)
            MHD_destroy_response(recent->places[i].response);
    free(recent);
}

struct http_recent_key http_recent_key(const struct answer *answer, enum render_format format,
                                       const struct freshness *freshness)
{
    return (struct http_recent_key){
        .answer = answer,
        .format = format,
        .age_s = freshness->age_ms / 1000,
        .left_s = (freshness->ttl_ms - freshness->age_ms) / 1000,
        .ttl_ms = freshness->ttl_ms,
        .stale_while_revalidate_ms = freshness->stale_while_revalidate_ms,
        .stale_if_error_ms = freshness->stale_if_error_ms,
        .rate_limited = freshness->rate_limited,
    };
}

static bool same(const struct http_recent_key *a, const struct http_recent_key *b)
{
    return a->answer == b->answer && a->format == b->format && a->age_s == b->age_s &&
           a->left_s == b->left_s && a->ttl_ms == b->ttl_ms &&
           a->stale_while_revalidate_ms == b->stale_while_revalidate_ms &&
           a->stale_if_error_ms == b->stale_if_error_ms && a->rate_limited == b->rate_limited;
}

static struct place *place_of(struct http_recent *recent, const struct answer *answer)
{
    uintptr_t bits = (uintptr_t)answer;

    return &recent->places[(bits >> 6 ^ bits >> 12) % PLACES];
}

struct MHD_Response *http_recent_take(struct http_recent *recent, const struct http_recent_key *key)
{
    struct place *place = place_of(recent, key->answer);
    struct MHD_Response *response = place->response;

    if (!response || !same(&place->key, key))
        return NULL;
    place->response = NULL;
    return response;
}

void http_recent_put(struct http_recent *recent, const struct http_recent_key *key,
                     struct MHD_Response *response)
{
    struct place *place = place_of(recent, key->answer);
    struct MHD_Response *dropped = response;

    if (place->latest == key->answer) {
        dropped = place->response;
        place->response = response;
        place->key = *key;
    }
    place->latest = key->answer;
    if (dropped)
        MHD_destroy_response(dropped);
}
