/* SPDX-License-Identifier: MIT */
/* How fresh the answer to a lookup is, and where it came from. */
#ifndef LOOKUP_FRESHNESS_H
#define LOOKUP_FRESHNESS_H

#include <stdbool.h>
#include <stdint.h>

/* Where an answer came from. */
enum freshness_source {
    FRESHNESS_HIT,     /* the cache, fresh or stale */
    FRESHNESS_MISS,    /* p0f: there was no entry */
    FRESHNESS_EXPIRED, /* p0f: the entry had expired */
    FRESHNESS_REQUEST, /* p0f: there was a fresh entry, and the request did not want it */
};

struct freshness {
    enum freshness_source source;
    bool collapsed;                    /* joined a lookup under way */
    bool stored;                       /* kept in the cache */
    int64_t age_ms;                    /* since p0f gave this answer */
    int64_t ttl_ms;                    /* the entry's whole time to live */
    int64_t stale_while_revalidate_ms; /* 0: not in force */
    int64_t stale_if_error_ms;
    bool rate_limited; /* p0f was to be asked again, but not that often */
    bool personal;     /* the answer depends on who asks: no shared cache may keep it */
};

#endif
