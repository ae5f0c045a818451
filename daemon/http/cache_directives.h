/* SPDX-License-Identifier: MIT */
/* What a request's header fields demand of a cache: Cache-Control (RFC 9111, 5.2.1) and If-None-Match
 * (RFC 9110, 13.1.2). Pure. */
#ifndef HTTP_CACHE_DIRECTIVES_H
#define HTTP_CACHE_DIRECTIVES_H

#include <stdbool.h>
#include <stdint.h>

struct cache_directives {
    bool only_if_cached;
    int64_t max_age_ms; /* -1: not given; no-cache is 0 */
};

/* Adds one Cache-Control field to *directives; unknown directives are ignored. */
void cache_directives_read(const char *field, struct cache_directives *directives);

/* Whether the list in an If-None-Match field names `etag` (with its quotes), weakly compared. */
bool etag_listed(const char *field, const char *etag);

#endif
