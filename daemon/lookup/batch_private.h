/* SPDX-License-Identifier: MIT */
/* What batch.c (which gets the results) and batch_read.c (which writes them) share. Nobody else includes
 * this. */
#ifndef LOOKUP_BATCH_PRIVATE_H
#define LOOKUP_BATCH_PRIVATE_H

#include "lookup/batch.h"

/* What came of an item. */
struct result {
    struct host_record *record; /* with LOOKUP_FOUND */
    enum lookup_outcome outcome;
    enum freshness_source source;
    bool known;
};

/* A place in the window. */
struct slot {
    struct lookup_request request; /* first, so that one is the other */
    struct batch *batch;
    struct slot *next; /* among the free ones */
    uint32_t item;
    bool busy;
};

struct batch {
    struct lookup *lookup;
    struct batch_body *body;
    const struct batch_item *items;
    struct batch_terms terms;
    struct mono began;
    struct loop_task start;
    struct loop_chore refill;
    void (*done)(void *ctx);
    void *ctx;
    struct slot *slots;
    struct slot *free_slot;
    uint32_t slot_count;
    uint32_t recalled; /* items before it have been looked for in the cache */
    uint32_t stale;    /* of those, how many were served though they had expired */
    uint32_t waiting;  /* items under way */
    uint32_t next;     /* those before it are answered or under way */
    uint32_t left;     /* not answered by the cache */
    struct flow flow;
    bool place; /* claimed, and not used yet */
    bool filling;
    bool cancelled;

    uint64_t length; /* of the results that are known */
    bool failed;     /* there was no memory for one */
    uint32_t read;   /* results before it have been */
    char *piece;     /* of a result that was too long to be read at once; or NULL */
    size_t piece_length, piece_read;

    uint32_t count;
    struct result results[];
};

/* Reckons with the length of an item's result, which is known from now on. */
void batch_settle(struct batch *batch, uint32_t item);

#endif
