/* SPDX-License-Identifier: MIT */
/* The rate at which queries are sent (p0f.max_rate). What was not used in the last 50 ms is allowed at
 * once. Belongs to the loop's thread. */
#ifndef P0F_SEND_RATE_H
#define P0F_SEND_RATE_H

#include "core/loop.h"

#include <stdbool.h>
#include <stdint.h>

struct send_rate {
    struct loop *loop;
    uint32_t max; /* queries per second; 0: no limit */
    int64_t interval_ns;
    struct mono next;        /* when the next query is due at the limited rate */
    struct loop_timer timer; /* armed when send_rate_take() has returned false */
};

/* Borrows the loop. `again` is called when a query can be taken that could not be before. */
void send_rate_start(struct send_rate *rate, struct loop *loop, void (*again)(void *ctx),
                     void *ctx);

/* Queries per second; 0 is no limit. Takes effect at once. */
void send_rate_set(struct send_rate *rate, uint32_t max);

/* Takes one query. False when it is not due yet; `again` is called when it is. */
bool send_rate_take(struct send_rate *rate) __attribute__((warn_unused_result));

void send_rate_stop(struct send_rate *rate);

#endif
