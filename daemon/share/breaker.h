/* SPDX-License-Identifier: MIT */
/* When a server that fails is left out, and when it is tried again. Pure: time and random numbers are
 * arguments. */
#ifndef SHARE_BREAKER_H
#define SHARE_BREAKER_H

#include "core/clock.h"

#include <stdbool.h>
#include <stdint.h>

/* ---- Pauses that double, from 0.1 to 10 seconds, each shortened at random by up to a half, so that daemons
 * that have lost a server at the same time do not come back at the same time. Zeroed: the next is the first. */

struct backoff {
    int64_t pause_ms; /* the last, before it was shortened */
};

/* The next pause in milliseconds, and the one after it is longer. */
int64_t backoff_next(struct backoff *backoff, uint64_t random);

/* ---- The breaker. Zeroed: closed. */

#define BREAKER_FAILURES 3 /* in a row */

enum breaker_state {
    BREAKER_CLOSED,  /* the server is asked */
    BREAKER_OPEN,    /* it is not, until `retry` */
    BREAKER_PROBING, /* one probe is sent, and decides */
};

struct breaker {
    enum breaker_state state;
    unsigned failures; /* in a row */
    struct backoff backoff;
    struct mono retry;
};

/* The server has failed, or the probe. True when the breaker opens by this. */
bool breaker_failed(struct breaker *breaker, struct mono now, uint64_t random);

/* The server has answered. Only a probe closes a breaker that is open: what is answered too late does not. */
void breaker_succeeded(struct breaker *breaker);

/* From OPEN, when `retry` is reached. */
void breaker_probe(struct breaker *breaker);

#endif
