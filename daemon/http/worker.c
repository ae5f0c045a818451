/* SPDX-License-Identifier: MIT */
#include "http/worker.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

/* A daemon of the library's: TLS is a property of all its connections. */
struct library {
    struct http_worker *worker;
    struct MHD_Daemon *daemon; /* NULL: not started */
    struct loop_fd events;     /* its epoll set has some */
    struct loop_timer timeout; /* armed no later than it has something to do by itself */
    struct loop_chore run;
    bool some_left; /* connections, in this round */
};

struct http_worker {
    struct http_worker_options options;
    struct loop *loop;
    struct turns *turns;
    struct library plain, tls;
    struct loop_task tick, beat, stop;
    atomic_bool ticking, beating; /* the task is on its way */
    pthread_t thread;
    atomic_uint connections;
    unsigned suspended; /* connections */
    bool told;          /* of the connection that is being added */
    void *told_context; /* its socket context */
};

/* On its way from the thread that has accepted it. */
struct arrival {
    struct loop_task task;
    struct library *library;
    int fd;
    socklen_t length;
    struct sockaddr_storage peer;
};

/* ---- A round of the library's */

/* A timer that is armed too early costs one round, so it is not moved for each connection that was
 * active meanwhile. */
static void arm_timeout(struct library *library)
{
    struct loop *loop = library->worker->loop;
    struct mono now = loop_now(loop);
    MHD_UNSIGNED_LONG_LONG ms;

    if (MHD_get_timeout(library->daemon, &ms) != MHD_YES)
        return;
    /* Never due in the round that arms it: other work of the loop has its turn in between. */
    struct mono due = ms == 0 ? mono_add_ns(now, 1) : mono_add_ms(now, (int64_t)ms);
    if (!loop_armed(&library->timeout) || mono_before(due, library->timeout.at))
        loop_arm(loop, &library->timeout, due);
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
    struct library *library = ctx;
    const struct http_worker_options *options = &library->worker->options;

    library->some_left = false;
    MHD_run_wait(library->daemon, 0);
    if (options->ran)
        options->ran(options->ctx);
    if (library->some_left) /* the library has freed them by now */
        return_free_end();
    arm_timeout(library);
}

static void run_later(struct library *library)
{
    if (library->daemon)
        loop_later(library->worker->loop, &library->run);
}

static void on_events(void *ctx, uint32_t events)
{
    (void)events;
    run_later(ctx);
}

static void on_timeout(void *ctx)
{
    run_later(ctx);
}

/* ---- Connections */

static void on_connection(void *ctx, struct MHD_Connection *connection, void **socket_context,
                          enum MHD_ConnectionNotificationCode what)
{
    struct library *library = ctx;
    struct http_worker *worker = library->worker;
    const struct http_worker_options *options = &worker->options;

    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        *socket_context = options->arrived(options->ctx, worker, connection);
        worker->told = true;
        worker->told_context = *socket_context;
        return;
    }
    options->left(options->ctx, connection, *socket_context);
    library->some_left = true;
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
    struct library *library = arrival->library;
    struct http_worker *worker = library->worker;

    worker->told = false;
    if (MHD_add_connection(library->daemon, arrival->fd, (const struct sockaddr *)&arrival->peer,
                           arrival->length) == MHD_YES) {
        if (worker->options.begun)
            worker->options.begun(worker->told_context);
    } else if (!worker->told) {
        lose(worker, arrival->fd);
    }
    run_later(library);
    free(arrival);
}

void http_worker_take(struct http_worker *worker, int fd, const struct sockaddr *peer,
                      socklen_t length, bool tls)
{
    struct arrival *arrival = malloc(sizeof *arrival);

    atomic_fetch_add(&worker->connections, 1);
    if (!arrival) {
        lose(worker, fd);
        close(fd);
        return;
    }
    arrival->library = tls ? &worker->tls : &worker->plain;
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
    struct MHD_Daemon *daemon =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_DAEMON)->daemon;

    worker->suspended--;
    MHD_resume_connection(connection);
    run_later(daemon == worker->plain.daemon ? &worker->plain : &worker->tls);
}

static void on_tick(void *ctx)
{
    struct http_worker *worker = ctx;

    atomic_store(&worker->ticking, false);
    worker->options.tick();
    run_later(&worker->plain);
    run_later(&worker->tls);
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

/* No-op when it is not started. */
static void stop_library(struct library *library)
{
    if (!library->daemon)
        return;
    if (library->events.fd >= 0)
        loop_unwatch(library->worker->loop, &library->events);
    loop_drop(library->worker->loop, &library->run);
    loop_disarm(library->worker->loop, &library->timeout);
    MHD_stop_daemon(library->daemon);
    library->daemon = NULL;
}

/* MHD_stop_daemon() belongs to the thread that runs the daemon, and aborts the process while a connection is
 * suspended. Tasks of this loop resume those that are; running the library then answers them, and may suspend
 * the next request of another one. */
static void stop_worker(void *ctx)
{
    struct http_worker *worker = ctx;

    turns_finish(worker->turns);
    if (worker->options.stopping)
        worker->options.stopping();
    run_library(&worker->plain);
    if (worker->tls.daemon)
        run_library(&worker->tls);
    if (worker->suspended > 0) {
        loop_post(worker->loop, &worker->stop);
        return;
    }
    stop_library(&worker->plain);
    stop_library(&worker->tls);
    loop_stop(worker->loop);
}

/* Later versions only queue a connection that is added, and tell nobody when they cannot take it (seen
 * in 1.0.1), unless they may assume that there is one thread. Then they take no locks either. */
#if MHD_VERSION >= 0x00097707
#define ONE_THREAD MHD_USE_NO_THREAD_SAFETY
#else
#define ONE_THREAD MHD_NO_FLAG
#endif

static bool start_library(struct http_worker *worker, struct library *library,
                          const struct MHD_OptionItem *items, unsigned flags)
{
    const struct http_worker_options *options = &worker->options;

    *library = (struct library){
        .worker = worker,
        .events = {.fd = -1, .ready = on_events, .ctx = library},
        .timeout = {.fire = on_timeout, .ctx = library},
        .run = {.run = run_library, .ctx = library},
    };
    library->daemon =
        MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_NO_LISTEN_SOCKET |
                             MHD_USE_ERROR_LOG | ONE_THREAD | flags,
                         0, NULL, NULL, options->handler, options->ctx, MHD_OPTION_ARRAY, items,
                         MHD_OPTION_NOTIFY_CONNECTION, on_connection, library, MHD_OPTION_END);
    const union MHD_DaemonInfo *info =
        library->daemon ? MHD_get_daemon_info(library->daemon, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
    if (!info)
        return false;
    library->events.fd = info->epoll_fd;
    if (loop_watch(worker->loop, &library->events, EPOLLIN) == 0)
        return true;
    library->events.fd = -1;
    return false;
}

static bool start_libraries(struct http_worker *worker)
{
    const struct http_worker_options *options = &worker->options;

    return start_library(worker, &worker->plain, options->library, 0) &&
           (!options->tls_library ||
            start_library(worker, &worker->tls, options->tls_library, MHD_USE_TLS));
}

static void discard(struct http_worker *worker)
{
    int cause = errno;

    stop_library(&worker->plain);
    stop_library(&worker->tls);
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
    worker->tick = (struct loop_task){.run = on_tick, .ctx = worker};
    worker->beat = (struct loop_task){.run = on_beat, .ctx = worker};
    worker->stop = (struct loop_task){.run = stop_worker, .ctx = worker};
    worker->loop = loop_new(options->clock);
    worker->turns = worker->loop ? turns_new(worker->loop) : NULL;
    if (!worker->turns || !start_libraries(worker)) {
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
