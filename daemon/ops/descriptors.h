/* SPDX-License-Identifier: MIT */
/* File descriptors: how many may be open, and how many are. To count them in /proc/self/fd takes the
 * kernel microseconds for each, so they are counted there once, and from then on by those who open and
 * close them. */
#ifndef OPS_DESCRIPTORS_H
#define OPS_DESCRIPTORS_H

#include "http/connections.h"
#include "http/lingering_close.h"
#include "p0f/pool.h"

#include <stdbool.h>
#include <stdint.h>

/* Raises the limit to what so many connections need. Logs when it cannot be. */
void descriptors_raise_limit(uint32_t max_connections);

struct descriptors {
    const struct connections *connections; /* borrowed, as is the next */
    struct lingering_close *lingering;
    bool known;      /* they could be counted; this and the next are descriptors_begin()'s */
    uint64_t others; /* that were open besides; they stay open */
};

/* Counts them, once all is open that is to stay open. In the loop's thread, as is the next, since
 * `pool` has to be how it is now. */
void descriptors_begin(struct descriptors *descriptors, const struct pool_status *pool);

/* How many are open. False when that is not known. */
bool descriptors_count(const struct descriptors *descriptors, const struct pool_status *pool,
                       uint64_t *count);

#endif
