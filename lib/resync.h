/* SPDX-License-Identifier: MIT */
/* A stream that has gone wrong, read to its end: what of it were answers is counted, since p0f must not
 * be left while it owes one. Pure. Private to the library. */
#ifndef RESYNC_H
#define RESYNC_H

#include <stddef.h>
#include <stdint.h>

/* Zeroed at first. */
struct p0f_resync {
    uint64_t whole; /* answers whose last byte has come */
    size_t body;    /* bytes of the next one that are still to come, once its magic is here */
    size_t stray;   /* bytes since the last one, where a magic should have been */
};

/* Takes what it can of `in`, and returns how many bytes; the rest may be the begin of an answer. Each
 * answer has `size` bytes. */
size_t p0f_resync_take(struct p0f_resync *drain, const uint8_t *in, size_t length, size_t size);

/* Answers that have come, good and bad. */
uint64_t p0f_resync_count(const struct p0f_resync *drain, size_t size);

#endif
