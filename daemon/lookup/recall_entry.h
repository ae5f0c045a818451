/* SPDX-License-Identifier: MIT */
/* What the cache holds of p0f's answer about an address: a "no match" is this alone, a known host has
 * it at the head of its host record, so that finding a record and reading it touch the same memory. */
#ifndef LOOKUP_RECALL_ENTRY_H
#define LOOKUP_RECALL_ENTRY_H

#include "core/clock.h"
#include "lookup/cache.h"

enum recall_kind {
    RECALL_NO_MATCH,
    RECALL_HOST,
    /* A host without operating system and HTTP application, or of which a sensor that has not answered may know
     * more. */
    RECALL_INCOMPLETE,
};

struct recall_entry {
    struct cache_entry cached; /* first, so that one is the other */
    struct boottime answered;
    _Atomic uint32_t refresh_claimed; /* second in which a caller last took on its refresh */
    uint8_t kind;                     /* enum recall_kind */
};

#endif
