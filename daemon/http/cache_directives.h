/* What a request's header fields ask of a cache: Cache-Control (RFC 9111, 5.2.1) and If-None-Match
 * (RFC 9110, 13.1.2). Pure. */
#ifndef HTTP_CACHE_DIRECTIVES_H
#define HTTP_CACHE_DIRECTIVES_H

#include <stdbool.h>
#include <stdint.h>

struct conditions {
    bool only_if_cached;
    int64_t max_age_ms; /* -1: the request does not say; no-cache is 0 */
};

/* Reads one Cache-Control field on top of what is in *conditions; unknown directives are ignored. */
void conditions_cache_control(const char *field, struct conditions *conditions);

/* Whether the list in an If-None-Match field names `etag` (with its quotes), weakly compared. */
bool conditions_names_etag(const char *field, const char *etag);

#endif
