/* SPDX-License-Identifier: MIT */
#include "http/worker.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

struct http_worker {
    struct http_worker_options options;
    struct loop *loop;
    struct turns *turns;
    struct MHD_Daemon *library;
    struct loop_fd events;     /* the library's epoll set has some */
    struct loop_timer timeout; /* armed no later than the library has something to do by itself */
    struct loop_chore run;
    struct loop_task tick, beat, stop;
    atomic_bool ticking, beating; /* the task is on its way */
    pthread_t thread;
    atomic_uint connections;
    unsigned suspended; /* connections */
    bool told;          /* of the connection that is being added */
    bool some_left;     /* in this round of the library's */
};

/* On its way from the thread that has accepted it. */
struct arrival {
    struct loop_task task;
    struct http_worker *worker;
    int fd;
    socklen_t length;
    struct sockaddr_storage peer;
};

/* ---- A round of the library's */

/* A timer that is armed too early costs one round, so it is not moved for each connection that was
 * active meanwhile. */
static void arm_timeout(struct http_worker *worker)
{
    struct mono now = loop_now(worker->loop);
    MHD_UNSIGNED_LONG_LONG ms;

    if (MHD_get_timeout(worker->library, &ms) != MHD_YES)
        return;
    /* Never due in the round that arms it: other work of the loop has its turn in between. */
    struct mono due = ms == 0 ? mono_add_ns(now, 1) : mono_add_ms(now, (int64_t)ms);
    if (!loop_armed(&worker->timeout) || mono_before(due, worker->timeout.at))
        loop_arm(worker->loop, &worker->timeout, due);
}

/* glibc returns the free end of a thread's arena only when a piece of at least 64 KiB is freed beside
 * it, in that thread; and only beyond a threshold, see connections.c. */
static void return_free_end(void)
{
    void *volatile piece = malloc(64 * 1024); /* volatile: else both calls are optimized away */

    free(piece);
}

static void run_library(void *ctx)
{
    struct http_worker *worker = ctx;

    worker->some_left = false;
    MHD_run_wait(worker->library, 0);
    if (worker->options.ran)
        worker->options.ran(worker->options.ctx);
    if (worker->some_left) /* the library has freed them by now */
        return_free_end();
    arm_timeout(worker);
}

static void on_events(void *ctx, uint32_t events)
{
    struct http_worker *worker = ctx;

    (void)events;
    loop_later(worker->loop, &worker->run);
}

static void on_timeout(void *ctx)
{
    on_events(ctx, 0);
}

/* ---- Connections */

static void on_connection(void *ctx, struct MHD_Connection *connection, void **socket_context,
                          enum MHD_ConnectionNotificationCode what)
{
    struct http_worker *worker = ctx;
    const struct http_worker_options *options = &worker->options;

    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        worker->told = true;
        *socket_context = options->arrived(options->ctx, worker, connection);
        return;
    }
    options->left(options->ctx, connection, *socket_context);
    worker->some_left = true;
    atomic_fetch_sub(&worker->connections, 1);
}

static void lose(struct http_worker *worker, int fd)
{
    worker->options.lost(worker->options.ctx, fd);
    atomic_fetch_sub(&worker->connections, 1);
}

/* When the library fails it may have told of the connection, and of its end, or not. */
static void begin_connection(void *ctx)
{
    struct arrival *arrival = ctx;
    struct http_worker *worker = arrival->worker;

    worker->told = false;
    if (MHD_add_connection(worker->library, arrival->fd, (const struct sockaddr *)&arrival->peer,
                           arrival->length) != MHD_YES &&
        !worker->told)
        lose(worker, arrival->fd);
    loop_later(worker->loop, &worker->run);
    free(arrival);
}

void http_worker_take(struct http_worker *worker, int fd, const struct sockaddr *peer,
                      socklen_t length)
{
    struct arrival *arrival = malloc(sizeof *arrival);

    atomic_fetch_add(&worker->connections, 1);
    if (!arrival) {
        lose(worker, fd);
        close(fd);
        return;
    }
    arrival->worker = worker;
    arrival->fd = fd;
    arrival->length = length;
    memcpy(&arrival->peer, peer, length);
    arrival->task = (struct loop_task){.run = begin_connection, .ctx = arrival};
    loop_post(worker->loop, &arrival->task);
}

unsigned http_worker_connections(const struct http_worker *worker)
{
    return worker->connections;
}

void http_worker_suspend(struct http_worker *worker, struct MHD_Connection *connection)
{
    worker->suspended++;
    MHD_suspend_connection(connection);
}

void http_worker_resume(struct http_worker *worker, struct MHD_Connection *connection)
{
    worker->suspended--;
    MHD_resume_connection(connection);
    loop_later(worker->loop, &worker->run);
}

static void on_tick(void *ctx)
{
    struct http_worker *worker = ctx;

    atomic_store(&worker->ticking, false);
    worker->options.tick();
    loop_later(worker->loop, &worker->run);
}

void http_worker_tick(struct http_worker *worker)
{
    if (!atomic_exchange(&worker->ticking, true))
        loop_post(worker->loop, &worker->tick);
}

static void on_beat(void *ctx)
{
    struct http_worker *worker = ctx;

    atomic_store(&worker->beating, false);
}

bool http_worker_beat(struct http_worker *worker)
{
    if (atomic_exchange(&worker->beating, true))
        return false;
    loop_post(worker->loop, &worker->beat);
    return true;
}

struct loop *http_worker_loop(struct http_worker *worker)
{
    return worker->loop;
}

struct turns *http_worker_turns(struct http_worker *worker)
{
    return worker->turns;
}

/* ---- Start and stop */

static void *serve(void *ctx)
{
    struct http_worker *worker = ctx;

    loop_run(worker->loop);
    return NULL;
}

/* MHD_stop_daemon() belongs to the thread that runs the daemon, and aborts the process while a connection is
 * suspended. Tasks of this loop resume those that are; running the library then answers them, and may suspend
 * the next request of another one. */
static void stop_library(void *ctx)
{
    struct http_worker *worker = ctx;

    turns_finish(worker->turns);
    run_library(worker);
    if (worker->suspended > 0) {
        loop_post(worker->loop, &worker->stop);
        return;
    }
    loop_unwatch(worker->loop, &worker->events);
    MHD_stop_daemon(worker->library);
    loop_stop(worker->loop);
}

/* Later versions only queue a connection that is added, and tell nobody when they cannot take it (seen
 * in 1.0.1), unless they may assume that there is one thread. Then they take no locks either. */
#if MHD_VERSION >= 0x00097707
#define ONE_THREAD MHD_USE_NO_THREAD_SAFETY
#else
#define ONE_THREAD MHD_NO_FLAG
#endif

static bool start_library(struct http_worker *worker)
{
    worker->library =
        MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_NO_LISTEN_SOCKET |
                             MHD_USE_ERROR_LOG | ONE_THREAD,
                         0, NULL, NULL, worker->options.handler, worker->options.ctx,
                         MHD_OPTION_ARRAY, worker->options.library, MHD_OPTION_NOTIFY_CONNECTION,
                         on_connection, worker, MHD_OPTION_END);
    const union MHD_DaemonInfo *info =
        worker->library ? MHD_get_daemon_info(worker->library, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
    worker->events.fd = info ? info->epoll_fd : -1;
    return worker->events.fd >= 0 && loop_watch(worker->loop, &worker->events, EPOLLIN) == 0;
}

static void discard(struct http_worker *worker)
{
    int cause = errno;

    if (worker->library)
        MHD_stop_daemon(worker->library);
    turns_free(worker->turns);
    loop_free(worker->loop);
    free(worker);
    errno = cause;
}

struct http_worker *http_worker_start(const struct http_worker_options *options)
{
    struct http_worker *worker = calloc(1, sizeof *worker);

    if (!worker)
        return NULL;
    worker->options = *options;
    worker->events = (struct loop_fd){.fd = -1, .ready = on_events, .ctx = worker};
    worker->timeout = (struct loop_timer){.fire = on_timeout, .ctx = worker};
    worker->run = (struct loop_chore){.run = run_library, .ctx = worker};
    worker->tick = (struct loop_task){.run = on_tick, .ctx = worker};
    worker->beat = (struct loop_task){.run = on_beat, .ctx = worker};
    worker->stop = (struct loop_task){.run = stop_library, .ctx = worker};
    worker->loop = loop_new(options->clock);
    worker->turns = worker->loop ? turns_new(worker->loop) : NULL;
    if (!worker->turns || !start_library(worker)) {
        discard(worker);
        return NULL;
    }
    errno = pthread_create(&worker->thread, NULL, serve, worker);
    if (errno != 0) {
        discard(worker);
        return NULL;
    }
    pthread_setname_np(worker->thread, "http-worker");
    return worker;
}

void http_worker_stop(struct http_worker *worker)
{
    if (!worker)
        return;
    loop_post(worker->loop, &worker->stop);
    pthread_join(worker->thread, NULL);
    turns_free(worker->turns);
    loop_free(worker->loop);
    free(worker);
}
