/* SPDX-License-Identifier: MIT */
/* A circuit breaker: a server that fails is not used until a probe succeeds. Pure: time and random numbers
 * are arguments. */
#ifndef SHARE_BREAKER_H
#define SHARE_BREAKER_H

#include "core/clock.h"

#include <stdbool.h>
#include <stdint.h>

/* ---- Exponential backoff: pauses that double, from 0.1 to 10 seconds, each shortened at random by up to a
 * half, so that daemons that lose a server at the same time do not return at the same time. Zeroed: the next
 * pause is the first. */

struct backoff {
    int64_t pause_ms; /* the last one, before it was shortened */
};

/* Returns the next pause, in milliseconds. */
int64_t backoff_next(struct backoff *backoff, uint64_t random);

/* ---- The breaker. Zeroed: closed. */

#define BREAKER_FAILURES 3 /* in a row */

enum breaker_state {
    BREAKER_CLOSED,  /* the server is used */
    BREAKER_OPEN,    /* it is not, until `retry` */
    BREAKER_PROBING, /* a probe is outstanding, and decides */
};

struct breaker {
    enum breaker_state state;
    unsigned failures; /* in a row */
    struct backoff backoff;
    struct mono retry;
};

/* A command or the probe has failed. True if this has opened the breaker. */
bool breaker_failed(struct breaker *breaker, struct mono now, uint64_t random);

/* A command or the probe has succeeded. Only a probe closes an open breaker; a late reply does not. */
void breaker_succeeded(struct breaker *breaker);

/* From OPEN, when `retry` is reached. */
void breaker_probe(struct breaker *breaker);

#endif
