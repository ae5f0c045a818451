/* SPDX-License-Identifier: MIT */
/* The document that answers a batch: the results, in the order of the items. It is rendered piece by piece
 * as the client reads it; its length is known as soon as every result is.
 *
 * Used by one thread at a time, as struct batch is. */
#ifndef HTTP_BATCH_RESULTS_H
#define HTTP_BATCH_RESULTS_H

#include "lookup/batch.h"
#include "json/batch_body.h"
#include "json/render.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct batch_results;

/* Takes the body over, even on failure; borrows the lookup. NULL when out of memory. */
struct batch_results *batch_results_new(struct lookup *lookup, struct batch_body *body,
                                        const struct batch_terms *terms, enum render_format format,
                                        enum render_results form);

/* Frees the batch, too, so not between batch_submit() and done(). No-op on NULL. */
void batch_results_free(struct batch_results *results);

/* The lookups behind it, which the caller sees through to their end (batch_recall() and so on). It
 * belongs to the results. */
struct batch *batch_results_batch(struct batch_results *results);

/* Bytes of the whole document, once every result is known. 0 when out of memory: then there is none. */
uint64_t batch_results_length(const struct batch_results *results);

/* Writes the next bytes of the document, as many as there is room for or somewhat less, and returns how
 * many: 0 at its end. -1 when out of memory. `room` is at least 16, or all that is left. */
ssize_t batch_results_read(struct batch_results *results, char *bytes, size_t room);

/* Bytes of memory it takes with its body and its batch. */
size_t batch_results_size(const struct batch_results *results);

#endif
