/* SPDX-License-Identifier: MIT */
/* A worker: one thread that serves HTTP. It runs an event loop of ours, in which libmicrohttpd is called
 * without ever waiting by itself.
 *
 * libmicrohttpd's own loops wait once more, with the full timeout, when they have fetched exactly as many
 * events as they can (workarounds.h); clients that wait for their answers send nothing more. With a timeout
 * of 0 that is harmless. So each worker has daemons of the library's without threads, one for plain
 * connections and one for those with TLS, whose epoll descriptors are watched here. All calls to it,
 * MHD_resume_connection() included, are made in the worker's thread: 0.9.75 cannot be woken from another
 * one. Private to the HTTP side. */
#ifndef HTTP_WORKER_H
#define HTTP_WORKER_H

#include "core/loop.h"
#include "http/turns.h"

#include <microhttpd.h>
#include <stdbool.h>
#include <sys/socket.h>

struct http_worker;

/* All but the two `library` is called, and `ctx` used, in the worker's thread. */
struct http_worker_options {
    const struct MHD_OptionItem *library; /* more options for MHD_start_daemon(); read at once */
    const struct MHD_OptionItem
        *tls_library; /* likewise, for connections with TLS; NULL: there are none */
    MHD_AccessHandlerCallback handler;
    /* A connection begins. Returns its socket context. */
    void *(*arrived)(void *ctx, struct http_worker *worker, struct MHD_Connection *connection);
    /* The library has taken it, and it may be suspended. NULL: not called. */
    void (*begun)(void *socket_context);
    /* A connection has ended; its descriptor is still open. */
    void (*left)(void *ctx, struct MHD_Connection *connection, void *socket_context);
    /* A connection given to http_worker_take() ends before it has begun, for lack of memory. Its
     * descriptor is closed, or about to be. May be called in the thread that gave it. */
    void (*lost)(void *ctx, int fd);
    /* The library has done for now what there was to do. NULL: not called. */
    void (*ran)(void *ctx);
    void (*tick)(void); /* for http_worker_tick() */
    /* Resumes what waits for clients, as the worker is about to stop; perhaps several times. NULL: not called. */
    void (*stopping)(void);
    void *ctx;
    clock_fn *clock; /* of the worker's loop */
};

/* Starts the thread, with the caller's signal mask. NULL with errno when the library or the thread
 * cannot be started, or out of memory. */
struct http_worker *http_worker_start(const struct http_worker_options *options);

/* Takes over a connected, non-blocking socket; `tls` only with options.tls_library. Any thread. */
void http_worker_take(struct http_worker *worker, int fd, const struct sockaddr *peer,
                      socklen_t length, bool tls);

/* Connections taken that have not ended. Any thread. */
unsigned http_worker_connections(const struct http_worker *worker);

/* Has options.tick() called in the worker's thread, once for several calls in a row, and then runs the
 * library. Any thread. */
void http_worker_tick(struct http_worker *worker);

/* Whether the worker's thread has handled the last beat, or there was none; then it is sent the next
 * one. False: it is busy, or stuck. Any thread. */
bool http_worker_beat(struct http_worker *worker);

/* Suspends a connection of this worker, whose request is being handled, or resumes it. In its thread. */
void http_worker_suspend(struct http_worker *worker, struct MHD_Connection *connection);
void http_worker_resume(struct http_worker *worker, struct MHD_Connection *connection);

/* The loop it runs in. Only loop_post() may be called from other threads. */
struct loop *http_worker_loop(struct http_worker *worker);

/* The turns of its long requests. In its thread. */
struct turns *http_worker_turns(struct http_worker *worker);

/* Finishes the turns, waits for suspended connections to be resumed, closes all, ends the thread and frees the
 * worker. None may be taken any more, and no request may wait for anything but a task of the worker's
 * loop. No-op on NULL. Not in the worker's thread. */
void http_worker_stop(struct http_worker *worker);

#endif
