/* SPDX-License-Identifier: MIT */
/* What the cache notes on each thing that it holds. It stands at the head of an answer, so that
 * finding an answer and reading it touch the same memory. Only the cache looks inside. */
#ifndef LOOKUP_RECALL_ENTRY_H
#define LOOKUP_RECALL_ENTRY_H

#include "core/clock.h"
#include "p0fclient.h"

#include <stdatomic.h>
#include <stdint.h>

enum cache_entry_kind {
    CACHE_ENTRY_MISS,       /* p0f said "no match": an entry and nothing else */
    CACHE_ENTRY_HOST,       /* the head of an answer */
    CACHE_ENTRY_INCOMPLETE, /* of an answer without both OS and HTTP application */
};

struct cache_entry {
    struct cache_entry *next; /* in its bucket's chain */
    struct mono answered;
    uint32_t place;                   /* in its store's ring */
    _Atomic uint32_t refresh_claimed; /* second in which somebody last took it on to ask again */
    atomic_uchar visited;             /* since the hand last came by */
    uint8_t kind;                     /* enum cache_entry_kind */
    struct p0f_addr addr;
};

#endif
