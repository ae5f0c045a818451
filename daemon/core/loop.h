/* SPDX-License-Identifier: MIT */
/* The event loop of the one thread that talks to p0f: descriptors, timers, and tasks from other
 * threads. Everything belongs to the thread that runs the loop, save loop_post(). */
#ifndef CORE_LOOP_H
#define CORE_LOOP_H

#include "core/clock.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

struct loop;

/* NULL with errno on failure. `clock` is asked once a round. */
struct loop *loop_new(clock_fn *clock);

/* Every descriptor must have been unwatched; timers still armed and tasks not yet run are
 * forgotten. */
void loop_free(struct loop *loop);

/* Handles events until loop_stop(). 0, or -1 with errno when waiting itself fails. */
int loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

/* When this round began. Everything that happens in a round happens at that time. */
struct mono loop_now(const struct loop *loop);

/* The time now, read again: to measure what happens within a round. */
struct mono loop_clock(const struct loop *loop);

/* ---- Descriptors: the caller keeps the struct, in place, while it is watched. */

struct loop_fd {
    int fd;
    void (*ready)(void *ctx, uint32_t events); /* EPOLL*, level-triggered */
    void *ctx;
};

/* 0, or -1 with errno. */
int loop_watch(struct loop *loop, struct loop_fd *watched, uint32_t events);
int loop_rewatch(struct loop *loop, struct loop_fd *watched, uint32_t events);

/* Its `ready` is not called again, even if its event was already seen in this round. */
void loop_unwatch(struct loop *loop, struct loop_fd *watched);

/* ---- Timers: the caller keeps the struct, zeroed but for `fire` and `ctx` before its first use, and
 * in place while it is armed. */

struct loop_timer {
    struct mono at;
    struct loop_timer *below, *next, *before; /* in the heap */
    bool armed;
    void (*fire)(void *ctx);
    void *ctx;
};

/* Arms, or moves, the timer. It fires once, at or after `at`. Never fails. */
void loop_arm(struct loop *loop, struct loop_timer *timer, struct mono at);
void loop_disarm(struct loop *loop, struct loop_timer *timer);
bool loop_armed(const struct loop_timer *timer);

/* ---- Chores: done once at the end of the round, however often they were asked for. */

struct loop_chore {
    STAILQ_ENTRY(loop_chore) link;
    bool due;
    void (*run)(void *ctx);
    void *ctx;
};

void loop_later(struct loop *loop, struct loop_chore *chore);

/* ---- Tasks: what another thread wants done in this one. */

struct loop_task {
    struct loop_task *next;
    void (*run)(void *ctx);
    void *ctx;
};

/* Any thread. Tasks run in the order they were posted. The caller keeps the struct, in place, until
 * run() is entered; from then on it may be posted again, or be gone. Never fails. */
void loop_post(struct loop *loop, struct loop_task *task);

#endif
