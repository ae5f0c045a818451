/* SPDX-License-Identifier: MIT */
/* Many lookups that one client asked for at once, and their answer.
 *
 * batch_recall() answers what it can from the cache in the caller's thread, some items at a call. The
 * rest is asked in the loop's thread, after batch_admit() and batch_submit(): at most a window of them
 * at a time, so that whoever asks for one host never waits behind a whole batch; each with a place of
 * the client's among p0f.max_pending. No item waits longer than a single request would that was made
 * when the batch was. The answer is written as it is read, piece by piece.
 *
 * A batch is used by one thread at a time: its owner's, the loop's from batch_submit() to done(). */
#ifndef LOOKUP_BATCH_H
#define LOOKUP_BATCH_H

#include "lookup/lookup.h"
#include "json/batch_body.h"
#include "json/render.h"

#include <sys/types.h>

struct batch;

/* What holds for all items, as for a single request. */
struct batch_terms {
    enum render_format format;
    int64_t wait_ms;
    int64_t max_age_ms;
    bool only_if_cached;
    uint32_t
        window; /* lookups under way at once, at least 1; some more than p0f's connections hold */
};

/* Takes the body over, also when it fails. Borrows the lookup. NULL when out of memory. */
struct batch *batch_new(struct lookup *lookup, struct batch_body *body,
                        const struct batch_terms *terms);

/* Not between batch_submit() and done(). NULL is nothing. */
void batch_free(struct batch *batch);

/* Looks for up to so many more of the items in the cache. False: there are more to look for. */
bool batch_recall(struct batch *batch, uint32_t items) P0F_MUST_USE;

/* Once batch_recall() has returned true: whether every item is answered. */
bool batch_answered(const struct batch *batch);

/* When some are not: finds a place for the batch, with those of the same client. Then it counts as
 * pending and must be given to batch_submit(). False when there is none: every item is answered. */
bool batch_admit(struct batch *batch, struct flow client) P0F_MUST_USE;

/* `done` is called once, in the loop's thread, when every item is answered; it may free the batch. */
void batch_submit(struct batch *batch, void (*done)(void *ctx), void *ctx);

/* Its client has closed its sending side, or has gone (`for_good`): no more items are begun, and those
 * under way end as fetch_cut_short() or fetch_cancel() say. done() may be called before this returns. In
 * the loop's thread, between the arrival there of what was submitted and done(). */
void batch_end_early(struct batch *batch, bool for_good);

/* Bytes of the whole answer, once every item is answered: an array of the results in the order of the
 * items. 0 when out of memory: then there is none. */
uint64_t batch_length(const struct batch *batch);

/* Writes the next bytes of the answer, as many as there is room for or somewhat less, and returns how
 * many: 0 at its end. -1 when out of memory. `room` is at least 16, or all
 * that is left. */
ssize_t batch_read(struct batch *batch, char *bytes, size_t room);

/* Bytes of memory it takes, but for the hosts, which the cache has, too. */
size_t batch_size(const struct batch *batch);

#endif
