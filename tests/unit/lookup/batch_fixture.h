/* SPDX-License-Identifier: MIT */
/* Batches as their owner has them answered. */
#ifndef BATCH_FIXTURE_H
#define BATCH_FIXTURE_H

#include "lookup/batch.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

/* Looks for all of it in the cache, some items at a time; true when it is answered by that. */
static inline bool batch_try(struct batch *batch)
{
    while (!batch_recall(batch, 3))
        ;
    return batch_answered(batch);
}

/* The whole answer, read with so much room each time. NULL when out of memory. The caller frees it. */
static inline char *batch_text(struct batch *batch, size_t room)
{
    size_t length = batch_length(batch), used = 0;
    char *text = length > 0 ? malloc(length + room + 1) : NULL;
    ssize_t size;

    while (text && used < length) { /* as libmicrohttpd does */
        if (room > length - used)
            room = length - used;
        size = batch_read(batch, text + used, room);
        cr_assert_neq(size, 0, "%zu of %zu", used, length);
        if (size < 0) {
            free(text);
            return NULL;
        }
        cr_assert_leq((size_t)size, room);
        used += (size_t)size;
    }
    if (text) {
        cr_assert_eq(batch_read(batch, text + length, room), 0);
        text[length] = '\0';
    }
    return text;
}

#endif
