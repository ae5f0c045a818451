/* SPDX-License-Identifier: MIT */
/* An event loop: descriptors, timers, chores, and tasks from other threads. Everything belongs to the
 * thread that runs the loop, unless it says otherwise. */
#ifndef CORE_LOOP_H
#define CORE_LOOP_H

#include "core/clock.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

struct loop;

/* NULL with errno on failure. `clock` is read once a round. */
struct loop *loop_new(clock_fn *clock);

/* No descriptor may be watched. Armed timers and pending tasks are dropped. No-op on NULL. */
void loop_free(struct loop *loop);

/* Handles events until loop_stop(). Returns 0, or -1 with errno if epoll_wait() fails. */
int loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

/* The time at which this round began, which is the time of everything that happens in it. */
struct mono loop_now(const struct loop *loop);

/* Reads the clock: to measure time within a round. Any thread. */
struct mono loop_clock(const struct loop *loop);

/* ---- Descriptors. The struct is the caller's, and must not move while it is watched. */

struct loop_fd {
    int fd;
    /* `events` are EPOLL*; level-triggered, unless EPOLLET was asked for. */
    void (*ready)(void *ctx, uint32_t events);
    void *ctx;
};

/* 0, or -1 with errno. */
int loop_watch(struct loop *loop, struct loop_fd *watched, uint32_t events);
int loop_rewatch(struct loop *loop, struct loop_fd *watched, uint32_t events);

/* `ready` is not called any more, even if an event was received in this round. */
void loop_unwatch(struct loop *loop, struct loop_fd *watched);

/* ---- Timers. The struct is the caller's, zeroed but for `fire` and `ctx` before its first use, and must
 * not move while it is armed. */

struct loop_timer {
    struct mono at;
    struct loop_timer *below, *next, *before; /* in the heap */
    bool armed;
    void (*fire)(void *ctx);
    void *ctx;
};

/* Arms or re-arms the timer. It fires once, at or after `at`. Never fails. */
void loop_arm(struct loop *loop, struct loop_timer *timer, struct mono at);
void loop_disarm(struct loop *loop, struct loop_timer *timer);
bool loop_armed(const struct loop_timer *timer);

/* ---- Chores: run once at the end of the round, however often they are scheduled. */

struct loop_chore {
    STAILQ_ENTRY(loop_chore) link;
    bool due;
    void (*run)(void *ctx);
    void *ctx;
};

void loop_later(struct loop *loop, struct loop_chore *chore);

/* Does not run it after all. No-op when it is not scheduled. */
void loop_drop(struct loop *loop, struct loop_chore *chore);

/* ---- Tasks, posted by other threads. */

struct loop_task {
    struct loop_task *next;
    void (*run)(void *ctx);
    void *ctx;
};

/* Any thread. Tasks run in the order in which they were posted. The struct is the caller's and must not
 * move until run() is called; from then on it may be posted again or freed. Never fails. */
void loop_post(struct loop *loop, struct loop_task *task);

#endif
