/* SPDX-License-Identifier: MIT */
/* How often p0f is asked again what it has just been asked: so many times a second in all, and so
 * many for each client, so that one who has a "no match" asked again and again, or wants nothing
 * remembered, keeps p0f for no other.
 *
 * The generic cell rate algorithm: of each limit only the time is kept at which all that was taken
 * would have been, had it come evenly. RATE_LIMIT_BURST_MS' worth may come at once. Time is an
 * argument; nothing is locked; memory is fixed. Any thread. */
#ifndef LOOKUP_RATE_LIMIT_H
#define LOOKUP_RATE_LIMIT_H

#include "core/clock.h"
#include "p0f/flow.h"

#include <stdbool.h>
#include <stdint.h>

#define RATE_LIMIT_BURST_MS 50

struct rate_limits;

/* Without any limit at first. NULL when out of memory. */
struct rate_limits *rate_limits_new(void);

/* NULL is nothing. */
void rate_limits_free(struct rate_limits *limits);

/* In force from now on: a second in all, and for each client; 0 is no limit. */
void rate_limits_set(struct rate_limits *limits, uint32_t in_all, uint32_t per_client);

/* Takes one for the client with this number (below FLOWS), if both limits allow it now. Those who
 * have no address are not one client, so only the limit in all is theirs; the daemon has none. */
bool rate_limits_take(struct rate_limits *limits, unsigned client, struct mono now) P0F_MUST_USE;

/* Whether rate_limits_take() would succeed. */
bool rate_limits_allow(const struct rate_limits *limits, unsigned client, struct mono now);

#endif
