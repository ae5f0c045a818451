/* SPDX-License-Identifier: MIT */
/* Many lookups for one client.
 *
 * batch_recall() takes what it can from the cache, in the caller's thread, some items at a time. The
 * rest is queried from p0f in the loop's thread, after batch_admit() and batch_submit(): at most a window
 * of items at a time, so that a request for one host never waits behind a whole batch, and each against
 * the client's limits (p0f.max_pending). No item waits longer than a single request made at the same
 * time would.
 *
 * A batch is used by one thread at a time: its owner's; the loop's from batch_submit() to done(). */
#ifndef LOOKUP_BATCH_H
#define LOOKUP_BATCH_H

#include "lookup/lookup.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct batch;

struct batch_terms {
    int64_t wait_ms; /* these hold for each item, as in struct lookup_request */
    int64_t max_age_ms;
    bool only_if_cached;
    uint32_t window; /* lookups under way at once, at least 1; more than p0f's connections hold */
};

struct batch_options {
    struct lookup *lookup; /* borrowed until batch_free() */
    uint32_t count;        /* of items */
    struct batch_terms terms;

    /* Called once for each item that has an address, when its result is known: in the thread that uses
     * the batch. */
    void (*known)(void *ctx, uint32_t item);
    void *ctx;
};

/* What became of an item. */
struct batch_result {
    struct host_record *record; /* with LOOKUP_FOUND; it lives as long as the batch */
    enum lookup_outcome outcome;
};

/* No item has an address yet. NULL when out of memory. */
struct batch *batch_new(const struct batch_options *options);

/* Not between batch_submit() and done(). No-op on NULL. */
void batch_free(struct batch *batch);

/* Gives an item its address, before the first batch_recall(). Items without one are passed over. */
void batch_set_address(struct batch *batch, uint32_t item, const struct p0f_addr *addr);

/* Looks for up to this many more of the items in the cache. True when all have been looked for. */
bool batch_recall(struct batch *batch, uint32_t items) P0F_MUST_USE;

/* Once batch_recall() has returned true: whether every result is known. */
bool batch_answered(const struct batch *batch);

/* When some are not: whether the client's limits allow the batch to begin. If they do, it counts as
 * pending and must be given to batch_submit(). If not, every result is known (LOOKUP_OVERLOADED). */
bool batch_admit(struct batch *batch, struct flow client) P0F_MUST_USE;

/* `done` is called once, in the loop's thread, when every result is known; it may free the batch. */
void batch_submit(struct batch *batch, void (*done)(void *ctx), void *ctx);

/* Its client has closed its sending side, or has gone (`for_good`): no more items are begun, and those
 * under way end as fetch_cut_short() or fetch_cancel() say. done() may be called before this returns.
 * In the loop's thread, between the arrival there of what was submitted and done(). */
void batch_end_early(struct batch *batch, bool for_good);

/* An item that has an address, once its result is known. */
struct batch_result batch_result(const struct batch *batch, uint32_t item);

/* Bytes of memory it takes, without the records, which it shares with the cache. */
size_t batch_size(const struct batch *batch);

#endif
