/* SPDX-License-Identifier: MIT */
/* One thread that serves HTTP: an event loop of ours, in which libmicrohttpd runs without ever
 * waiting by itself.
 *
 * Its own loops do wait by themselves: when exactly as many events have come as they fetch at once
 * (128), they wait once more, with the full timeout, before they handle any (0.9.75 and 1.0.1), and
 * clients that wait for their answers send nothing more. With a timeout of 0 that is harmless. So
 * there is one daemon of the library's for each worker, without threads, whose epoll descriptor is
 * watched here. Everything that concerns it is done in the worker's thread, resuming a connection
 * included: 0.9.75 has no channel to wake such a daemon from another. Private to the HTTP side. */
#ifndef HTTP_WORKER_H
#define HTTP_WORKER_H

#include "core/loop.h"
#include "http/turns.h"

#include <microhttpd.h>
#include <sys/socket.h>

struct http_worker;

/* All but `library` is called, and `ctx` used, in the worker's thread. */
struct http_worker_options {
    const struct MHD_OptionItem *library; /* more options for MHD_start_daemon(); read at once */
    MHD_AccessHandlerCallback handler;
    /* A connection begins; what is returned becomes its socket context. */
    void *(*arrived)(void *ctx, struct http_worker *worker, struct MHD_Connection *connection);
    /* It has ended; its descriptor is still open. */
    void (*left)(void *ctx, struct MHD_Connection *connection, void *socket_context);
    /* One that was given to http_worker_take() ends before it began, for want of memory. Its
     * descriptor has been closed, or is about to be. Perhaps in the thread that gave it. */
    void (*lost)(void *ctx, int fd);
    void *ctx;
    clock_fn *clock; /* of the worker's loop */
};

/* Starts the thread, with the caller's signal mask. NULL with errno when the library, the thread or
 * memory is not to be had. */
struct http_worker *http_worker_start(const struct http_worker_options *options);

/* Takes over a connected, non-blocking socket. Any thread. */
void http_worker_take(struct http_worker *worker, int fd, const struct sockaddr *peer,
                      socklen_t length);

/* Connections taken that have neither ended nor been lost. Any thread. */
unsigned http_worker_connections(const struct http_worker *worker);

/* Resumes a suspended connection of this worker's. In its thread. */
void http_worker_resume(struct http_worker *worker, struct MHD_Connection *connection);

/* The loop it runs in: to be used in its thread, but for loop_post(). */
struct loop *http_worker_loop(struct http_worker *worker);

/* Where its long requests take their turns. In its thread. */
struct turns *http_worker_turns(struct http_worker *worker);

/* Finishes the turns, closes what is open, ends the thread and frees the worker. No connection may be suspended, and none
 * may be taken any more. No-op on NULL. Not in the worker's thread. */
void http_worker_stop(struct http_worker *worker);

#endif
