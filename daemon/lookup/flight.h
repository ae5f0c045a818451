/* SPDX-License-Identifier: MIT */
/* Flights: at most one for each address, with those who wait for it.
 *
 * Only the bookkeeping: no I/O, no clock, no allocation after flights_new(). Belongs to one thread.
 * Flights and waiters are the caller's memory, and must not move while they are in use. */
#ifndef LOOKUP_FLIGHT_H
#define LOOKUP_FLIGHT_H

#include "core/hash.h"
#include "p0fclient.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

struct flight;

/* Zeroed before its first use. */
struct waiter {
    TAILQ_ENTRY(waiter) link;
    struct flight *flight; /* NULL: not waiting */
};

struct flight {
    LIST_ENTRY(flight) link; /* in its bucket */
    struct p0f_addr addr;
    TAILQ_HEAD(waiters, waiter) waiters; /* first come, first */
};

struct flights;

/* The table is sized for `expected` flights; more of them make it slower. A NULL `hash` is hash_sip.
 * NULL with errno when out of memory. */
struct flights *flights_new(uint32_t expected, struct hash_key key, hash_fn *hash);

/* The table must be empty. No-op on NULL. */
void flights_free(struct flights *flights);

/* The flight for this address, or NULL. */
struct flight *flights_find(const struct flights *flights, const struct p0f_addr *addr);

/* Any flight, or NULL if there is none. */
struct flight *flights_any(const struct flights *flights);

/* Initializes a flight and adds it to the table, which must have none for this address. */
void flights_add(struct flights *flights, struct flight *flight, const struct p0f_addr *addr);

/* Removes a flight that nobody waits for. */
void flights_remove(struct flights *flights, struct flight *flight);

uint32_t flights_count(const struct flights *flights);

void flight_join(struct flight *flight, struct waiter *waiter);
void flight_leave(struct waiter *waiter);

/* Removes the first waiter and returns it. NULL when nobody waits. */
struct waiter *flight_take_first(struct flight *flight);

#endif
