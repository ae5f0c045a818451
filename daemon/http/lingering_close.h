/* SPDX-License-Identifier: MIT */
/* Connections that were answered and closed while their client still sends. To close a socket with
 * bytes unread is to reset the connection, which can lose the client the answer; so what it sends is
 * read and dropped until it closes its end, within bounds: in time, in bytes, in how many there are at
 * once, of one client and of all, and in how much is read of all of them in a moment. */
#ifndef HTTP_LINGERING_CLOSE_H
#define HTTP_LINGERING_CLOSE_H

#include "core/loop.h"
#include "net/networks.h"

#include <stdint.h>

struct lingering_close;

/* Clients in `trusted` speak for many others: only all together are bounded there, as on unix sockets.
 * Borrows both until lingering_close_free(). NULL when out of memory. */
struct lingering_close *lingering_close_new(struct loop *loop, const struct networks *trusted);

/* Closes all at once. The loop must not be running any more. */
void lingering_close_free(struct lingering_close *all);

/* Takes over a socket that is shut down for writing, or will be in a moment. Any thread. */
void lingering_close_take(struct lingering_close *all, int fd);

/* How many sockets it has open. Any thread. */
uint32_t lingering_close_count(struct lingering_close *all);

#endif
