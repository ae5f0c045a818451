/* SPDX-License-Identifier: MIT */
/* Admission control: how many lookups may wait for p0f at once, in total and of one client.
 *
 * Up to `max` lookups are admitted for anybody, even a single client. Above that there is a `reserve`
 * for clients who have few admitted, so that one client who uses everything up does not lock out the
 * others. Few is none, or less than 1/64 of `max`; all of an IPv6 /56 together may have twice as many,
 * and all of a /48 four times: so a client who spreads over a whole network is limited as one, while a
 * provider's few customers are not. Memory is fixed, and there are no locks. Any thread. */
#ifndef LOOKUP_ADMISSION_H
#define LOOKUP_ADMISSION_H

#include "p0f/flow.h"
#include "p0fclient.h"

#include <stdbool.h>
#include <stdint.h>

struct admission;

/* Admits nothing at first. NULL when out of memory. */
struct admission *admission_new(void);

/* No-op on NULL. */
void admission_free(struct admission *admission);

/* Applies to claims from now on. Both 0 closes it: once admission_taken() is 0 after that, it stays
 * 0. */
void admission_set(struct admission *admission, uint32_t max, uint32_t reserve);

/* Admits one lookup of this flow, until admission_release(). False: it is over the limit. */
bool admission_claim(struct admission *admission, struct flow flow) P0F_MUST_USE;

/* Ends one admission of this flow. */
void admission_release(struct admission *admission, struct flow flow);

/* The number (below FLOWS) that the flow's queries to p0f count for now: of the widest of its networks
 * that has more than few admitted, or else its own. */
unsigned admission_turn(const struct admission *admission, struct flow flow);

/* Lookups admitted, those of the reserve included. */
uint32_t admission_taken(const struct admission *admission);

/* As set by admission_set(). */
uint32_t admission_max(const struct admission *admission);

#endif
