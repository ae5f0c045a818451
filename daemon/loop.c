#include "loop.h"

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
    struct loop_timer **heap; /* heap[1] is due first */
    uint32_t heap_count;
    uint32_t heap_capacity;
    struct loop_chore *chores;
    struct loop_chore **chores_end;
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
    loop->chores_end = &loop->chores;
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
    free(loop->heap);
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

/* ---- Timers: a binary heap that knows each timer's place in it */

static void heap_place(struct loop *loop, uint32_t place, struct loop_timer *timer)
{
    loop->heap[place] = timer;
    timer->place = place;
}

static void heap_up(struct loop *loop, uint32_t place, struct loop_timer *timer)
{
    while (place > 1 && mono_before(timer->at, loop->heap[place / 2]->at)) {
        heap_place(loop, place, loop->heap[place / 2]);
        place /= 2;
    }
    heap_place(loop, place, timer);
}

static void heap_down(struct loop *loop, uint32_t place, struct loop_timer *timer)
{
    for (;;) {
        uint32_t child = 2 * place;
        if (child > loop->heap_count)
            break;
        if (child < loop->heap_count &&
            mono_before(loop->heap[child + 1]->at, loop->heap[child]->at))
            child++;
        if (!mono_before(loop->heap[child]->at, timer->at))
            break;
        heap_place(loop, place, loop->heap[child]);
        place = child;
    }
    heap_place(loop, place, timer);
}

static bool heap_room(struct loop *loop)
{
    if (loop->heap_count + 1 < loop->heap_capacity)
        return true;
    uint32_t capacity = loop->heap_capacity ? 2 * loop->heap_capacity : 64;
    struct loop_timer **heap = realloc(loop->heap, capacity * sizeof(struct loop_timer *));
    if (!heap)
        return false;
    loop->heap = heap;
    loop->heap_capacity = capacity;
    return true;
}

bool loop_armed(const struct loop_timer *timer)
{
    return timer->place != 0;
}

bool loop_arm(struct loop *loop, struct loop_timer *timer, struct mono at)
{
    if (!loop_armed(timer) && !heap_room(loop))
        return false;
    loop_disarm(loop, timer);
    timer->at = at;
    heap_up(loop, ++loop->heap_count, timer);
    return true;
}

void loop_disarm(struct loop *loop, struct loop_timer *timer)
{
    uint32_t place = timer->place;

    if (place == 0)
        return;
    struct loop_timer *last = loop->heap[loop->heap_count--];
    timer->place = 0;
    if (last == timer)
        return;
    if (place > 1 && mono_before(last->at, loop->heap[place / 2]->at))
        heap_up(loop, place, last);
    else
        heap_down(loop, place, last);
}

static void fire_due(struct loop *loop)
{
    while (loop->heap_count > 0 && !mono_before(loop->now, loop->heap[1]->at)) {
        struct loop_timer *timer = loop->heap[1];
        loop_disarm(loop, timer);
        timer->fire(timer->ctx);
    }
}

/* Rounded up: waking early would only mean a second round. */
static int ms_to_first(const struct loop *loop)
{
    if (loop->heap_count == 0)
        return -1;
    int64_t ms = (loop->heap[1]->at.ns - loop->clock().ns + 999999) / 1000000;
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
    chore->next = NULL;
    *loop->chores_end = chore;
    loop->chores_end = &chore->next;
}

static void do_chores(struct loop *loop)
{
    struct loop_chore *chore;

    while ((chore = loop->chores)) {
        loop->chores = chore->next;
        if (!loop->chores)
            loop->chores_end = &loop->chores;
        chore->due = false;
        chore->run(chore->ctx);
    }
}

/* ---- Tasks: a stack that many push to and one empties, so that no lock is ever taken */

void loop_post(struct loop *loop, struct loop_task *task)
{
    const uint64_t once = 1;
    struct loop_task *top = atomic_load(&loop->inbox);

    do
        task->next = top;
    while (!atomic_compare_exchange_weak(&loop->inbox, &top, task));
    /* Whoever found it empty wakes the loop, which has not looked since. The counter is never read:
     * that would be one more system call a round, and 2^64 of these writes are not to be had. */
    if (!top && write(loop->wake.fd, &once, sizeof once) < 0)
        return;
}

static void on_wake(void *ctx, uint32_t events)
{
    struct loop *loop = ctx;
    struct loop_task *newest = atomic_exchange(&loop->inbox, NULL);
    struct loop_task *oldest = NULL, *task;

    (void)events;
    while ((task = newest)) { /* first come, first served */
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
