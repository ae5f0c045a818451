/* SPDX-License-Identifier: MIT */
/* The places in which lookups wait for p0f: so many and no more, and not all of them for one.
 *
 * There are `most` places for whoever comes, be it one asker alone. When they are taken there are
 * some `spare` ones, for askers who hold few: so one who takes all that there is does not keep the
 * others out. Few is none, or less than one in 64 of `most`; of IPv6 all that come from the same 56
 * bits may hold twice and all from the same 48 bits four times that, so that a network full of
 * networks is one client when many of it come, and the few customers of a provider are several.
 * Memory is fixed; nothing is locked. Any thread. */
#ifndef LOOKUP_ADMISSION_H
#define LOOKUP_ADMISSION_H

#include "p0f/flow.h"
#include "p0fclient.h"

#include <stdbool.h>
#include <stdint.h>

struct admission;

/* Without any place at first. NULL when out of memory. */
struct admission *admission_new(void);

/* NULL is nothing. */
void admission_free(struct admission *admission);

/* In force for claims from now on; places already taken stay so. Both 0 closes them: once that has
 * returned and none is seen taken, none ever will be. */
void admission_set(struct admission *admission, uint32_t max, uint32_t reserve);

/* Takes a place for this asker, until admission_release(). False: there is none. */
bool admission_claim(struct admission *admission, struct flow flow) P0F_MUST_USE;

/* Gives up a place that this asker has claimed. */
void admission_release(struct admission *admission, struct flow flow);

/* The number (below FLOWS) by which it takes its turns now: of the widest of its networks that holds
 * more than few, else its own. */
unsigned admission_turn(const struct admission *admission, struct flow flow);

/* How many are taken, the spare ones among them. */
uint32_t admission_taken(const struct admission *admission);

/* As set. */
uint32_t admission_max(const struct admission *admission);

#endif
