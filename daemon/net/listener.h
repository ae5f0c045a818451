/* SPDX-License-Identifier: MIT */
/* The listening sockets, and accepting from them in the loop's thread.
 *
 * We accept ourselves and hand each connection to libmicrohttpd, so that it can listen on several
 * addresses and on unix sockets (0.9.75 over-reads a buffer when it accepts from those). */
#ifndef NET_LISTENER_H
#define NET_LISTENER_H

#include "core/loop.h"
#include "net/inherited_sockets.h"
#include "net/socket_access.h"

#include <stdbool.h>
#include <sys/socket.h>

struct listeners;

#define LISTENERS_ERROR_SIZE 320

/* What to listen on. */
struct listeners_options {
    const char *addresses; /* "host:port, [IPv6]:port, unix:/path, …" */
    const char *setting;   /* where they come from, for messages: "http.listen"; static */
    const char *server;    /* what the log says before "listening on …": "", "relay: "; static */
    bool beyond_loopback;  /* other hosts may connect, too */
    struct socket_access access;               /* of unix sockets */
    const struct inherited_sockets *inherited; /* listened on already; NULL: none */
};

/* Takes ownership of `fd`, a non-blocking connection from `peer`. */
typedef void listener_accept_fn(void *ctx, int fd, const struct sockaddr *peer, socklen_t length);

/* Parses and resolves the addresses without binding, and checks that each is a loopback address or a unix
 * socket, unless `beyond_loopback`. NULL with a message in `error`; errno is EAGAIN when a name cannot
 * be resolved, which may change, ENOMEM when out of memory, and EINVAL otherwise. */
struct listeners *listeners_parse(const struct listeners_options *options,
                                  char error[LISTENERS_ERROR_SIZE]);

/* The same check, except that names are not resolved, so it does not block. */
bool listeners_check(const struct listeners_options *options, char error[LISTENERS_ERROR_SIZE]);

/* Binds and listens, as listen_socket_open() does, or takes over the inherited socket with this address.
 * False with a message in `error`; errno is EINVAL if only an edit helps, or EAGAIN.
 *
 * Addresses of a name that this host does not have are skipped with a warning, unless it has none of
 * them. */
bool listeners_open(struct listeners *listeners, char error[LISTENERS_ERROR_SIZE]);

/* Starts accepting; calls `accepted` in the loop's thread. Borrows the loop until
 * listeners_free(). False with errno. */
bool listeners_start(struct listeners *listeners, struct loop *loop, listener_accept_fn *accepted,
                     void *ctx);

/* Lets no client start to connect, see listen_socket_seal(). TCP sockets go on accepting those that have
 * started, which may need a moment; others are closed, as by listeners_stop(). In the loop's thread. */
void listeners_seal(struct listeners *listeners);

/* Accepts the connections that are waiting, which would be reset, then closes all sockets and removes the
 * unix ones. Inherited sockets are only closed: the next daemon gets what waits there. No-op when there are
 * none, so it may be called again. In the loop's thread. */
void listeners_stop(struct listeners *listeners);

/* Stops and frees. No-op on NULL. */
void listeners_free(struct listeners *listeners);

#endif
