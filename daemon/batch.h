/* Many lookups that one client asked for at once, and their answer.
 *
 * batch_try() answers what it can from the cache in the caller's thread. The rest is asked in the
 * loop's thread, after batch_admit() and batch_submit(): at most a window of them at a time, so that
 * whoever asks for one host never waits behind a whole batch; each with a place of the client's among
 * p0f.max_pending. No item waits longer than a single request would that was made when the batch was.
 *
 * A batch is used by one thread at a time: its owner's, the loop's from batch_submit() to done(). */
#ifndef BATCH_H
#define BATCH_H

#include "batch_body.h"
#include "lookup.h"
#include "render.h"

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

/* True when every item is answered, from the cache. Once. */
bool batch_try(struct batch *batch) P0F_MUST_USE;

/* After batch_try(): finds a place for the batch, with those of the same caller (NULL: who has no
 * address). Then it counts as pending and must be given to batch_submit(). False when there is none:
 * every item is answered. */
bool batch_admit(struct batch *batch, const struct p0f_addr *caller) P0F_MUST_USE;

/* `done` is called once, in the loop's thread, when every item is answered; it may free the batch. */
void batch_submit(struct batch *batch, void (*done)(void *ctx), void *ctx);

/* The results in the order of the items, as render_batch_finish() gives them; NULL when out of
 * memory. */
char *batch_render(const struct batch *batch, size_t *length);

#endif
