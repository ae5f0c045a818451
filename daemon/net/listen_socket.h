/* SPDX-License-Identifier: MIT */
/* Opens one listening socket, for IPv4, IPv6 or a unix socket. */
#ifndef NET_LISTEN_SOCKET_H
#define NET_LISTEN_SOCKET_H

#include "net/socket_access.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

/* A non-blocking socket that listens at `name`, for the caller to close and, if it is a unix socket, to
 * unlink. -1 with errno: EEXIST or EISDIR when something that is not a socket is at its path, EADDRINUSE
 * when another process listens there, EPERM or EINVAL when the group cannot be set.
 *
 * A unix socket left behind by a dead process is replaced. The new one is accessible as `access` says
 * before anybody can connect; for that the umask is changed for a moment: no other thread may create
 * files meanwhile. */
int listen_socket_open(const struct sockaddr *name, socklen_t length, struct socket_access access);

/* What is wrong, and what to do about it, after listen_socket_open() has failed with this errno. Returns
 * whether that lasts until somebody does it: else the next try may succeed. */
bool listen_socket_explain(const struct sockaddr *name, int problem, char *out, size_t size);

/* From now on, no client starts to connect, while those that have started can still be accepted. At a TCP
 * address, the others hear nothing: they try again after a second, when another process may listen there.
 * At a unix socket, they are refused. */
void listen_socket_seal(int fd);

#endif
