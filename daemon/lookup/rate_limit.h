/* SPDX-License-Identifier: MIT */
/* Limits how many times a second p0f is asked again what it has just answered, in total and for each
 * client, so that a client who has a "no match" asked over and over, or refuses cached answers, does not
 * keep p0f from the others.
 *
 * The generic cell rate algorithm: each limit keeps only the time at which everything taken would have
 * been used up at an even rate. Bursts of up to RATE_LIMIT_BURST_MS are allowed. Time is an argument,
 * memory is fixed, and there are no locks. Any thread. */
#ifndef LOOKUP_RATE_LIMIT_H
#define LOOKUP_RATE_LIMIT_H

#include "core/clock.h"
#include "p0f/flow.h"

#include <stdbool.h>
#include <stdint.h>

#define RATE_LIMIT_BURST_MS 50

struct rate_limits;

/* Without limits at first. NULL when out of memory. */
struct rate_limits *rate_limits_new(void);

/* No-op on NULL. */
void rate_limits_free(struct rate_limits *limits);

/* Sets the rates per second, in total and for each client; 0: no limit. */
void rate_limits_set(struct rate_limits *limits, uint32_t in_all, uint32_t per_client);

/* Takes one for the client with this flow number (below FLOWS) if both limits allow it now. Clients
 * without an address are not one client, so only the total applies to them; nothing applies to the
 * daemon itself. */
bool rate_limits_take(struct rate_limits *limits, unsigned client, struct mono now) P0F_MUST_USE;

/* Whether rate_limits_take() would succeed. */
bool rate_limits_allow(const struct rate_limits *limits, unsigned client, struct mono now);

#endif
