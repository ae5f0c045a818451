/* SPDX-License-Identifier: MIT */
/* The sockets we listen on, and accepting from them in the loop's thread.
 *
 * We accept ourselves and hand each connection to libmicrohttpd: it can then listen on many
 * addresses and on unix sockets (0.9.75 over-reads a buffer when it accepts from those). */
#ifndef NET_LISTENER_H
#define NET_LISTENER_H

#include "core/loop.h"

#include <stdbool.h>
#include <sys/socket.h>

struct listeners;

#define LISTENERS_ERROR_SIZE 256

/* Takes over `fd`, a non-blocking connection from `peer`. */
typedef void listener_accept_fn(void *ctx, int fd, const struct sockaddr *peer, socklen_t length);

/* Checks `addresses` ("host:port, [v6]:port, unix:/path, …") without binding: the syntax, and that
 * each is a loopback address or a unix socket unless `beyond_loopback`. NULL with a message in
 * `error`; errno is EINVAL then, and ENOMEM when only memory was missing. Names are resolved. */
struct listeners *listeners_parse(const char *addresses, bool beyond_loopback,
                                  char error[LISTENERS_ERROR_SIZE]);

/* Binds and listens. False with a message in `error`. A unix socket left behind by a process that
 * is gone is replaced; one that somebody listens on is an error, as is whatever else is at its path.
 * It gets the mode 0666, for which the umask is changed for a moment: no other thread may make files
 * then. Of a name's addresses those that this machine has not are passed by with a warning, unless it
 * has none of them. */
bool listeners_open(struct listeners *listeners, char error[LISTENERS_ERROR_SIZE]);

/* Accepts from now on. False with errno. */
bool listeners_start(struct listeners *listeners, struct loop *loop, listener_accept_fn *accepted,
                     void *ctx);

/* Closes all sockets and removes the unix ones. */
void listeners_stop(struct listeners *listeners);

void listeners_free(struct listeners *listeners);

#endif
