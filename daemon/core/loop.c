/* SPDX-License-Identifier: MIT */
#include "core/loop.h"

#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define EVENTS 64

struct loop {
    int epoll;
    bool stopping;
    clock_fn *clock;
    struct mono now;
    struct loop_timer *timers; /* the one that is due first */
    STAILQ_HEAD(, loop_chore) chores;
    struct loop_task *_Atomic inbox; /* newest first */
    struct loop_fd wake;             /* an eventfd, edge-triggered: each write is an event */
    struct epoll_event events[EVENTS];
    int event_count; /* of this round */
};

static void on_wake(void *ctx, uint32_t events);

struct loop *loop_new(clock_fn *clock)
{
    struct loop *loop = calloc(1, sizeof *loop);

    if (!loop)
        return NULL;
    loop->clock = clock;
    loop->now = clock();
    STAILQ_INIT(&loop->chores);
    loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    loop->wake = (struct loop_fd){
        .fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), .ready = on_wake, .ctx = loop};
    if (loop->epoll < 0 || loop->wake.fd < 0 ||
        loop_watch(loop, &loop->wake, EPOLLIN | EPOLLET) != 0) {
        int cause = errno;
        loop_free(loop);
        errno = cause;
        return NULL;
    }
    return loop;
}

void loop_free(struct loop *loop)
{
    if (!loop)
        return;
    if (loop->epoll >= 0)
        close(loop->epoll);
    if (loop->wake.fd >= 0)
        close(loop->wake.fd);
    free(loop);
}

struct mono loop_now(const struct loop *loop)
{
    return loop->now;
}

struct mono loop_clock(const struct loop *loop)
{
    return loop->clock();
}

void loop_stop(struct loop *loop)
{
    loop->stopping = true;
}

/* ---- Descriptors */

static int control(struct loop *loop, int operation, struct loop_fd *watched, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = watched};

    return epoll_ctl(loop->epoll, operation, watched->fd, &event);
}

int loop_watch(struct loop *loop, struct loop_fd *watched, uint32_t events)
{
    return control(loop, EPOLL_CTL_ADD, watched, events);
}

int loop_rewatch(struct loop *loop, struct loop_fd *watched, uint32_t events)
{
    return control(loop, EPOLL_CTL_MOD, watched, events);
}

void loop_unwatch(struct loop *loop, struct loop_fd *watched)
{
    control(loop, EPOLL_CTL_DEL, watched, 0);
    for (int i = 0; i < loop->event_count; i++)
        if (loop->events[i].data.ptr == watched)
            loop->events[i].data.ptr = NULL;
}

/* ---- Timers: a pairing heap with its links in the timers, so that arming one needs no memory and
 * cannot fail. A timer is due no later than its children, a list that begins at `below` and goes on with
 * `next`. `before` is the previous sibling, or the parent of the first child. */

static struct loop_timer *meld(struct loop_timer *a, struct loop_timer *b)
{
    if (!a || !b)
        return a ? a : b;
    struct loop_timer *first = mono_before(b->at, a->at) ? b : a;
    struct loop_timer *second = first == a ? b : a;
    second->next = first->below;
    if (second->next)
        second->next->before = second;
    second->before = first;
    first->below = second;
    return first;
}

/* Makes one heap of a list of heaps: melds them in pairs, and then the pairs. */
static struct loop_timer *meld_all(struct loop_timer *list)
{
    struct loop_timer *pairs = NULL, *heap = NULL;

    while (list) {
        struct loop_timer *one = list, *other = list->next;
        list = other ? other->next : NULL;
        struct loop_timer *pair = meld(one, other);
        pair->next = pairs;
        pairs = pair;
    }
    while (pairs) {
        struct loop_timer *pair = pairs;
        pairs = pair->next;
        heap = meld(heap, pair);
    }
    if (heap)
        heap->next = heap->before = NULL;
    return heap;
}

bool loop_armed(const struct loop_timer *timer)
{
    return timer->armed;
}

void loop_arm(struct loop *loop, struct loop_timer *timer, struct mono at)
{
    loop_disarm(loop, timer);
    timer->at = at;
    timer->armed = true;
    loop->timers = meld(loop->timers, timer);
}

void loop_disarm(struct loop *loop, struct loop_timer *timer)
{
    if (!timer->armed)
        return;
    struct loop_timer *rest = meld_all(timer->below);
    if (timer == loop->timers) {
        loop->timers = rest;
    } else {
        if (timer->before->below == timer)
            timer->before->below = timer->next;
        else
            timer->before->next = timer->next;
        if (timer->next)
            timer->next->before = timer->before;
        loop->timers = meld(loop->timers, rest);
    }
    timer->below = timer->next = timer->before = NULL;
    timer->armed = false;
}

static void fire_due(struct loop *loop)
{
    while (loop->timers && !mono_before(loop->now, loop->timers->at)) {
        struct loop_timer *timer = loop->timers;
        loop_disarm(loop, timer);
        timer->fire(timer->ctx);
    }
}

/* Rounded up, since waking early would only cost another round. */
static int ms_to_first(const struct loop *loop)
{
    if (!loop->timers)
        return -1;
    int64_t ms = (loop->timers->at.ns - loop->clock().ns + 999999) / 1000000;
    if (ms < 0)
        return 0;
    return ms > INT_MAX ? INT_MAX : (int)ms;
}

/* ---- Chores */

void loop_later(struct loop *loop, struct loop_chore *chore)
{
    if (chore->due)
        return;
    chore->due = true;
    STAILQ_INSERT_TAIL(&loop->chores, chore, link);
}

void loop_drop(struct loop *loop, struct loop_chore *chore)
{
    if (chore->due)
        STAILQ_REMOVE(&loop->chores, chore, loop_chore, link);
    chore->due = false;
}

static void do_chores(struct loop *loop)
{
    struct loop_chore *chore;

    while ((chore = STAILQ_FIRST(&loop->chores))) {
        STAILQ_REMOVE_HEAD(&loop->chores, link);
        chore->due = false;
        chore->run(chore->ctx);
    }
}

/* ---- Tasks: a lock-free stack that many threads push to and the loop empties */

void loop_post(struct loop *loop, struct loop_task *task)
{
    const uint64_t once = 1;
    struct loop_task *top = atomic_load(&loop->inbox);

    do
        task->next = top;
    while (!atomic_compare_exchange_weak(&loop->inbox, &top, task));
    /* Whoever finds the stack empty wakes the loop. The eventfd is never read, to save a system call a
     * round: it is edge-triggered, and 2^64 writes do not happen. */
    if (!top && write(loop->wake.fd, &once, sizeof once) < 0)
        return;
}

static void on_wake(void *ctx, uint32_t events)
{
    struct loop *loop = ctx;
    struct loop_task *newest = atomic_exchange(&loop->inbox, NULL);
    struct loop_task *oldest = NULL, *task;

    (void)events;
    while ((task = newest)) { /* reverses it: first posted, first run */
        newest = task->next;
        task->next = oldest;
        oldest = task;
    }
    while ((task = oldest)) {
        oldest = task->next;
        task->run(task->ctx);
    }
}

/* ---- The rounds */

int loop_run(struct loop *loop)
{
    loop->stopping = false;
    do_chores(loop);
    while (!loop->stopping) {
        int count = epoll_wait(loop->epoll, loop->events, EVENTS, ms_to_first(loop));
        if (count < 0 && errno != EINTR)
            return -1;
        loop->now = loop->clock();
        loop->event_count = count > 0 ? count : 0;
        for (int i = 0; i < loop->event_count; i++) {
            struct loop_fd *watched = loop->events[i].data.ptr;
            if (watched)
                watched->ready(watched->ctx, loop->events[i].events);
        }
        loop->event_count = 0;
        fire_due(loop);
        do_chores(loop);
    }
    return 0;
}
