/* SPDX-License-Identifier: MIT */
/* File descriptors: how many may be open, and how many are. Before Linux 6.2, counting them in
 * /proc/self/fd takes microseconds for each. So they are counted there once; from then on, whoever
 * opens and closes them keeps count. */
#ifndef OPS_DESCRIPTORS_H
#define OPS_DESCRIPTORS_H

#include <stdbool.h>
#include <stdint.h>

/* Raises the soft limit to what this many connections of HTTP and of the relay need, and `others` beside
 * them. Logs a warning if the hard limit is too low. */
void descriptors_raise_limit(uint32_t max_http, uint32_t max_relay, uint32_t others);

struct descriptors {
    /* Set by the owner: the number of those that come and go, to clients, p0f and the tier. Called in the loop's
     * thread. */
    uint64_t (*count_changing)(void *ctx);
    void *ctx;

    /* Set by descriptors_begin(). */
    bool known;      /* /proc could be read */
    uint64_t others; /* those that stay open */
};

/* Counts what is open, after everything is open that stays open. In the loop's thread, as is the next
 * function. */
void descriptors_begin(struct descriptors *descriptors);

/* Sets *count to the number of open descriptors. False if it is not known. */
bool descriptors_count(const struct descriptors *descriptors, uint64_t *count);

#endif
