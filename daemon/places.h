/* The places in which lookups wait for p0f: so many and no more, and not all of them for one.
 *
 * There are `most` places for whoever comes, be it one asker alone. When they are taken there are
 * some `spare` ones, for askers who hold few: so one who takes all that there is does not keep the
 * others out. Memory is fixed; nothing is locked. Any thread. */
#ifndef PLACES_H
#define PLACES_H

#include "asker.h"
#include "p0fclient.h"

#include <stdbool.h>
#include <stdint.h>

struct places;

/* Without any place at first. NULL when out of memory. */
struct places *places_new(void);

/* NULL is nothing. */
void places_free(struct places *places);

/* In force for claims from now on; places already taken stay so. Both 0 closes them: once that has
 * returned and none is seen taken, none ever will be. */
void places_set(struct places *places, uint32_t most, uint32_t spare);

/* Takes a place for this asker (below ASKERS), until places_leave(). False: there is none. */
bool places_claim(struct places *places, unsigned asker) P0F_MUST_USE;

/* Gives up a place that this asker has claimed. */
void places_leave(struct places *places, unsigned asker);

/* How many are taken, the spare ones among them. */
uint32_t places_taken(const struct places *places);

/* As set. */
uint32_t places_most(const struct places *places);

#endif
