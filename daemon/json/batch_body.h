/* SPDX-License-Identifier: MIT */
/* The body of POST /hosts: addresses as a JSON array of strings, or as text with one on each line. Pure,
 * except for allocation. */
#ifndef JSON_BATCH_BODY_H
#define JSON_BATCH_BODY_H

#include "p0fclient.h"

#include <stddef.h>
#include <stdint.h>

struct batch_item {
    const char *text; /* as the client sent it: UTF-8, NUL-terminated, without a NUL inside */
    size_t length;
    enum p0f_error error; /* P0F_OK, or why `text` is not an address */
    struct p0f_addr addr;
};

struct batch_body;

#define BATCH_BODY_ERROR_SIZE 256

/* The longest body to read for at most `max` items: room for the longest addresses with generous
 * whitespace and escapes. Longer ones should be refused unread, since a body can take fifty times its
 * length in memory while it is parsed. */
size_t batch_body_limit(uint32_t max);

/* Makes it possible to tell when jansson runs out of memory; without it, that can be mistaken for an
 * error in the body. Call it once, before any thread starts. */
void batch_body_init(void);

/* A reader of bodies: of 1 to `max` items. The caller frees the result, which does not refer to `bytes`.
 * NULL for anything else, with a message in `error` that says what is wrong and where, and may quote any
 * bytes of the body; or when out of memory, with an empty `error`. Any thread. */
typedef struct batch_body *batch_body_reader(const char *bytes, size_t length, uint32_t max,
                                             char error[BATCH_BODY_ERROR_SIZE]);

/* Reads a JSON array of strings. */
batch_body_reader batch_body_read_json P0F_MUST_USE;

/* Reads text: each line that is not blank is an item, without the spaces and tabs around it. Lines end
 * with LF, CR LF or CR; a byte order mark is skipped. */
batch_body_reader batch_body_read_text P0F_MUST_USE;

/* No-op on NULL. */
void batch_body_free(struct batch_body *body);

/* How many bytes of memory it uses. */
size_t batch_body_size(const struct batch_body *body);

/* The *count items, in the order given; they live as long as the body. */
const struct batch_item *batch_body_items(const struct batch_body *body, uint32_t *count);

#endif
