/* Responses built lately, to be queued again as they are: a popular host is asked for many times in
 * the second in which its Age stays the same. Each worker has its own, as what two of them write to
 * costs both more than to build the response twice. Its thread only. */
#ifndef HTTP_RESPONSE_CACHE_H
#define HTTP_RESPONSE_CACHE_H

#include "lookup/freshness.h"
#include "lookup/host_record.h"

#include <stdint.h>

struct MHD_Response;
struct http_recent;

/* What makes the responses to two hits equal. */
struct http_recent_key {
    const struct answer *answer; /* the response keeps it alive, so its address is not reused */
    enum render_format format;
    int64_t age_s;
    int64_t left_s; /* of its time to live */
    int64_t ttl_ms;
    int64_t stale_while_revalidate_ms;
    int64_t stale_if_error_ms;
    bool rate_limited;
};

/* NULL when out of memory. */
struct http_recent *http_recent_new(void);
void http_recent_free(struct http_recent *recent);

/* For a hit (FRESHNESS_HIT) that is not stale. */
struct http_recent_key http_recent_key(const struct answer *answer, enum render_format format,
                                       const struct freshness *freshness);

/* Takes the response for `key` out, or returns NULL. The caller owns it. */
struct MHD_Response *http_recent_take(struct http_recent *recent,
                                      const struct http_recent_key *key);

/* Takes the response over: keeps it if its answer is asked for often enough, else drops it. It must
 * not be changed any more. */
void http_recent_put(struct http_recent *recent, const struct http_recent_key *key,
                     struct MHD_Response *response);

#endif
