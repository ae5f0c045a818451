/* SPDX-License-Identifier: MIT */
/* The relay: serves p0f's own socket protocol from the cache, for programs that speak it. It is a sibling of
 * http, of which it knows nothing; the two share cache, flights and admission.
 *
 * All its connections are one descriptor to the loop (loop_crowd.h), so however much they send, p0f and
 * HTTP get their turn.
 *
 * Belongs to the loop's thread. */
#ifndef RELAY_RELAY_H
#define RELAY_RELAY_H

#include "core/loop.h"
#include "lookup/lookup.h"

#include <stdbool.h>
#include <stdint.h>

struct relay;

struct relay_options {
    struct loop *loop; /* borrowed until relay_free(), as is `lookup` */
    struct lookup *lookup;
    uint32_t max_connections;
    uint32_t max_lookups; /* under way at once, of all connections together; at least 1 */
};

/* NULL with errno when out of memory or descriptors. */
struct relay *relay_new(const struct relay_options *options);

/* Closes all connections. No-op on NULL. */
void relay_free(struct relay *relay);

/* Applies from now on. */
void relay_set_max_lookups(struct relay *relay, uint32_t max_lookups);

/* Takes over a connected, non-blocking unix socket. False: it has been closed and counted as refused; errno
 * is EAGAIN when max_connections is reached, else it is about memory. */
bool relay_take(struct relay *relay, int fd) P0F_MUST_USE;

/* Answers what has been received, and closes each connection after that: those without a query at once. No
 * connection may be taken after this. */
void relay_shut_down(struct relay *relay);

struct relay_counts {
    uint32_t connections;
    uint32_t max_connections;
    uint32_t lookups; /* under way */
    uint32_t max_lookups;
};

struct relay_counts relay_counts(const struct relay *relay);

#endif
