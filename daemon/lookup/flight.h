/* SPDX-License-Identifier: MIT */
/* Flights: at most one question under way for each address, and who waits for its answer.
 *
 * Only the book-keeping: no I/O, no clock, no allocation after flights_new(). All of it belongs to
 * one thread. Flights and waiters are the caller's memory, in place while they are in the table. */
#ifndef LOOKUP_FLIGHT_H
#define LOOKUP_FLIGHT_H

#include "core/hash.h"
#include "p0fclient.h"

#include <stdbool.h>
#include <stdint.h>

struct flight;

/* Somebody who waits. Zeroed before its first use. */
struct waiter {
    struct waiter *prev, *next;
    struct flight *flight; /* NULL: not waiting */
};

struct flight {
    struct flight *next; /* in its bucket */
    struct p0f_addr addr;
    struct waiter *first, *last; /* in the order they came */
};

struct flights;

/* `expected` is how many flights the table is sized for; more make it slower, not wrong.
 * `hash` NULL: hash_sip. NULL with errno when out of memory. */
struct flights *flights_new(uint32_t expected, struct hash_key key, hash_fn *hash);

/* The table must be empty. */
void flights_free(struct flights *flights);

/* The flight for this address, or NULL. */
struct flight *flights_find(const struct flights *flights, const struct p0f_addr *addr);

/* Puts a flight without waiters into the table; there must be none for its address yet. */
void flights_add(struct flights *flights, struct flight *flight, const struct p0f_addr *addr);

/* Takes it out; its waiters must have left. */
void flights_remove(struct flights *flights, struct flight *flight);

uint32_t flights_count(const struct flights *flights);

void flight_join(struct flight *flight, struct waiter *waiter);
void flight_leave(struct waiter *waiter);

/* The one who came first leaves and is returned; NULL when nobody waits. */
struct waiter *flight_take_first(struct flight *flight);

#endif
