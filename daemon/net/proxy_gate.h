/* SPDX-License-Identifier: MIT */
/* Where connections of trusted proxies wait for their PROXY header (http.proxy_protocol). It is read
 * here, before the HTTP library sees the connection, and not a byte more, so that the request is left for the
 * library. From then on, the proxy's client is the peer.
 *
 * A header must be complete within 100 ms. A connection without a valid one is closed: counted for
 * /metrics, and logged at most once a minute for each reason, with the network of `trusted` but without an
 * address. Everything in the loop's thread. */
#ifndef NET_PROXY_GATE_H
#define NET_PROXY_GATE_H

#include "core/loop.h"
#include "net/listener.h"
#include "net/networks.h"

#include <stdint.h>

struct proxy_gate;

/* How many connections may wait at once; any more are closed unless their header is there already. */
#define PROXY_GATE_MAX 1000

/* Calls `passed` with each connection that may be served, and with its peer: the one in the header, or else the
 * real one. Peers in `trusted` and on unix sockets are proxies; all others pass at once.
 * Borrows `loop` and `trusted` until proxy_gate_free(). NULL when out of memory. */
struct proxy_gate *proxy_gate_new(struct loop *loop, const struct networks *trusted,
                                  listener_accept_fn *passed, void *ctx);

/* Closes the connections that wait. No-op on NULL. */
void proxy_gate_free(struct proxy_gate *gate);

/* Takes a new connection over, as listener_accept_fn does. Not after proxy_gate_close(). */
void proxy_gate_take(struct proxy_gate *gate, int fd, const struct sockaddr *peer,
                     socklen_t length);

/* Closes the connections that wait, as when shutting down. No-op on NULL. */
void proxy_gate_close(struct proxy_gate *gate);

/* How many wait; 0 for NULL. */
uint32_t proxy_gate_count(const struct proxy_gate *gate);

#endif
