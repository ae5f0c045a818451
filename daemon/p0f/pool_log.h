/* SPDX-License-Identifier: MIT */
/* Log messages about p0f: lost, answering, malformed.
 *
 * Each trouble is logged at once, and then only counted for a while, so that a flapping p0f does not
 * fill the log; after that it is logged with the count, if it persists. That p0f answers is logged at
 * once whenever something else was logged last, so the last message is always true. Belongs to the
 * loop's thread. */
#ifndef P0F_POOL_LOG_H
#define P0F_POOL_LOG_H

#include "core/loop.h"
#include "p0f/link.h"

#include <stdbool.h>
#include <stdint.h>

#define POOL_LOG_PAUSE_MS 10000 /* between two messages about the same trouble */

enum pool_trouble {
    POOL_DOWN,   /* no connection is left */
    POOL_SILENT, /* one is not answered */
    POOL_BROKEN, /* one was dropped for what p0f sent on it */
    POOL_TROUBLES,
};

struct pool_log {
    struct loop *loop;
    const char *socket;
    enum p0f_dialect wanted;
    bool down, silent; /* the state */
    bool told_well;    /* the last message was that p0f answers, or about a single connection */
    bool told_broken;  /* it was about a single connection */
    enum p0f_dialect spoken;
    struct pool_log_trouble {
        bool told; /* ever */
        struct mono at;
        uint32_t suppressed; /* messages since then */
        struct link_fault fault;
    } troubles[POOL_TROUBLES];
    struct loop_timer timer; /* armed while messages are suppressed */
};

/* Borrows `socket`. `wanted` is the dialect that p0f is to speak. */
void pool_log_start(struct pool_log *log, struct loop *loop, const char *socket,
                    enum p0f_dialect wanted);

/* p0f cannot be queried. Logged only if it could be before. */
void pool_log_down(struct pool_log *log, const struct link_fault *fault);

/* A connection is not answered. Logged only the first time since pool_log_ready(). */
void pool_log_silent(struct pool_log *log);

/* A connection is dropped. Logged only for P0F_MALFORMED and P0F_WRONG_DIALECT. */
void pool_log_broken(struct pool_log *log, const struct link_fault *fault);

/* p0f has answered on a new connection. `first`: and on no other. `silent`: another one is still not
 * answered. */
void pool_log_ready(struct pool_log *log, enum p0f_dialect dialect, bool first, bool silent);

/* Drops what was suppressed. */
void pool_log_stop(struct pool_log *log);

#endif
