/* SPDX-License-Identifier: MIT */
/* The address at the other end of a connection. Pure. */
#ifndef NET_PEER_H
#define NET_PEER_H

#include "p0fclient.h"

#include <stdbool.h>
#include <sys/socket.h>

/* The IP address in a socket's name, as p0f knows it: ::ffff:a.b.c.d is IPv4. False, with *addr zeroed,
 * for anything else, such as the name of a unix socket, or NULL. */
bool peer_addr(const struct sockaddr *name, struct p0f_addr *addr);

/* The reverse: sets *name to that of a socket with this address, port 0, and returns its length. */
socklen_t peer_name(const struct p0f_addr *addr, struct sockaddr_storage *name);

#endif
