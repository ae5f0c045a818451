/* SPDX-License-Identifier: MIT */
/* Counts the answers in a stream that has gone out of sync, since the connection must not be closed while
 * one is outstanding. Pure. Private to the library. */
#ifndef RESYNC_H
#define RESYNC_H

#include "p0fclient.h"

#include <stddef.h>
#include <stdint.h>

/* Zeroed before its first use. */
struct p0f_resync {
    uint64_t whole; /* complete answers */
    size_t body;    /* bytes missing of the current answer, after its magic */
    size_t stray;   /* bytes since the last answer where a magic was expected */

    size_t begin_length; /* of `begin`: the first bytes, as far as they came at once */
    uint8_t begin[P0F_REJECTED_MAX];
};

/* Consumes bytes of `in` and returns how many; the rest may be the start of an answer. Each answer has
 * `size` bytes. */
size_t p0f_resync_take(struct p0f_resync *resync, const uint8_t *in, size_t length, size_t size);

/* The size of the answer that begins at `in`: the number of bytes up to the next magic, or to the end if
 * that has not come. Without a magic at `in`, and at least, 232: all dialects have that many bytes, of
 * which a number may look like a magic. */
size_t p0f_resync_measure(const uint8_t *in, size_t length);

/* Answers received, valid or not. */
uint64_t p0f_resync_count(const struct p0f_resync *resync, size_t size);

#endif
