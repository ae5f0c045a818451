/* SPDX-License-Identifier: MIT */
/* Batches, and the documents that answer them, as their owner goes about them. */
#ifndef BATCH_RESULTS_FIXTURE_H
#define BATCH_RESULTS_FIXTURE_H

#include "http/batch_results.h"

#include "../lookup/lookup_fixture.h"

#include <stdlib.h>
#include <string.h>

static bool finished;

static inline void on_batch_done(void *ctx)
{
    cr_assert_eq(ctx, &finished);
    finished = true;
}

/* Sees the batch through until every result is known. */
static inline void finish_batch(struct batch *batch)
{
    while (!batch_recall(batch, 3))
        ;
    finished = batch_answered(batch) || !batch_admit(batch, lookup_flow(lookup, caller));
    if (finished)
        return;
    batch_submit(batch, on_batch_done, &finished);
    stage_settle();
    if (!finished)
        stage_pass(20); /* first contact */
    cr_assert(finished);
}

/* NULL when out of memory; anything else must not go wrong. */
static inline struct batch_results *results_in(const char *json, const struct batch_terms *terms,
                                               enum render_format format, enum render_results form)
{
    char error[BATCH_BODY_ERROR_SIZE];
    struct batch_body *body = batch_body_read_json(json, strlen(json), 100, error);

    cr_assert(body || error[0] == '\0', "%s", error);
    return body ? batch_results_new(lookup, body, terms, format, form) : NULL;
}

static inline struct batch_results *results_for(const char *json, const struct batch_terms *terms,
                                                enum render_format format)
{
    return results_in(json, terms, format, RENDER_RESULTS_ARRAY);
}

/* The whole document, read with this much room each time. NULL when out of memory. The caller frees it.
 * */
static inline char *results_text(struct batch_results *results, size_t room)
{
    size_t length = batch_results_length(results), used = 0;
    char *text = length > 0 ? malloc(length + room + 1) : NULL;
    ssize_t size;

    while (text && used < length) { /* as libmicrohttpd does */
        if (room > length - used)
            room = length - used;
        size = batch_results_read(results, text + used, room);
        cr_assert_neq(size, 0, "%zu of %zu", used, length);
        if (size < 0) {
            free(text);
            return NULL;
        }
        cr_assert_leq((size_t)size, room);
        used += (size_t)size;
    }
    if (text) {
        cr_assert_eq(batch_results_read(results, text + length, room), 0);
        text[length] = '\0';
    }
    return text;
}

#endif
