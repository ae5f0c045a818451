/* SPDX-License-Identifier: MIT */
/* Lingering close: of connections that have been answered while their client still sends. Closing a
 * socket with unread bytes resets the connection, which can cost the client the answer. So what it sends
 * is read and discarded until it closes its end, within limits: of time, bytes, and sockets at once, for
 * each client and in all, and of the bytes read in one round. */
#ifndef HTTP_LINGERING_CLOSE_H
#define HTTP_LINGERING_CLOSE_H

#include "core/loop.h"
#include "net/networks.h"

#include <stdint.h>
#include <sys/socket.h>

struct lingering_close;

/* Proxies in `trusted` act for many clients: for them, and for unix sockets, only the limits for all
 * apply. Borrows both until lingering_close_free(). NULL when out of memory. */
struct lingering_close *lingering_close_new(struct loop *loop, const struct networks *trusted);

/* Closes all sockets at once. The loop must not be running any more. No-op on NULL. */
void lingering_close_free(struct lingering_close *all);

/* Takes over a socket that is shut down for writing, or is about to be, of the client `peer`, which may
 * be another than its other end. Any thread. */
void lingering_close_take(struct lingering_close *all, int fd, const struct sockaddr *peer);

/* The number of sockets open. Any thread. */
uint32_t lingering_close_count(struct lingering_close *all);

#endif
