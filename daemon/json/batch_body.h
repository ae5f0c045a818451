/* SPDX-License-Identifier: MIT */
/* The body of a batch: a JSON array of texts that may be addresses. Pure but for the memory. */
#ifndef JSON_BATCH_BODY_H
#define JSON_BATCH_BODY_H

#include "p0fclient.h"

#include <stddef.h>
#include <stdint.h>

struct batch_item {
    const char *text; /* as the client gave it: UTF-8 without a NUL in it, ended by one */
    size_t length;
    enum p0f_error error; /* P0F_OK, or why it is no address */
    struct p0f_addr addr;
};

struct batch_body;

#define BATCH_BODY_ERROR_SIZE 256

/* How long a body of at most `most` items may be before it is not worth reading: room for the
 * longest addresses, written as wastefully as JSON allows within reason. A body can take fifty times
 * its length in memory while it is read, so it should be refused before that if it is longer. */
size_t batch_body_limit(uint32_t max);

/* Makes jansson tell when it is out of memory. Once, before any thread starts; without it, want of
 * memory can be taken for a mistake in the body. */
void batch_body_init(void);

/* Reads 1 to `most` items. The caller frees the body; `bytes` are not needed any more. NULL when it
 * is anything else, with what and where in `error`, for a person (any bytes of the body's may be
 * quoted in it); or when out of memory: then `error` is empty. Any thread. */
struct batch_body *batch_body_read(const char *bytes, size_t length, uint32_t max,
                                   char error[BATCH_BODY_ERROR_SIZE]) P0F_MUST_USE;

/* No-op on NULL. */
void batch_body_free(struct batch_body *body);

/* Bytes of memory it takes. */
size_t batch_body_size(const struct batch_body *body);

/* As many as *count, in the order given; they live as long as the body. */
const struct batch_item *batch_body_items(const struct batch_body *body, uint32_t *count);

#endif
