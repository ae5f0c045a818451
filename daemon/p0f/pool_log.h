/* SPDX-License-Identifier: MIT */
/* What the log is told of p0f: that it is lost, that it answers, what it does wrong.
 *
 * A p0f that goes wrong again and again would fill the log. So each trouble is told at once, and then
 * for a while only counted; after that it is told with the count, if it is still so. That p0f answers
 * is told at once whenever something else was told last: the last word is true. All of it belongs to
 * the loop's thread. */
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
    POOL_BROKEN, /* one was given up for what came on it */
    POOL_TROUBLES,
};

struct pool_log {
    struct loop *loop;
    const char *socket;
    enum p0f_dialect wanted;
    bool down, silent; /* as things are */
    bool told_well;    /* that p0f answers, and no trouble since but of single connections */
    bool told_broken;  /* of one of those, since then */
    enum p0f_dialect spoken;
    struct pool_log_trouble {
        bool told; /* ever */
        struct mono at;
        uint32_t left_out; /* times since then */
        struct link_fault fault;
    } troubles[POOL_TROUBLES];
    struct loop_timer timer; /* armed while something is left out */
};

/* `socket` is borrowed; `wanted` is the dialect that p0f should speak. */
void pool_log_start(struct pool_log *log, struct loop *loop, const char *socket,
                    enum p0f_dialect wanted);

/* p0f cannot be asked, for this reason: the first time since it could, it is news. */
void pool_log_down(struct pool_log *log, const struct link_fault *fault);

/* A connection is not answered: the first time since pool_log_ready() it is news. */
void pool_log_silent(struct pool_log *log);

/* A connection is given up. Said of P0F_MALFORMED and P0F_WRONG_DIALECT alone. */
void pool_log_broken(struct pool_log *log, const struct link_fault *fault);

/* p0f has answered on a new connection, the `first` that it does so on; `silent`: on another one it
 * still does not. */
void pool_log_ready(struct pool_log *log, enum p0f_dialect dialect, bool first, bool silent);

/* What was left out stays so. */
void pool_log_stop(struct pool_log *log);

#endif
