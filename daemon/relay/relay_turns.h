/* SPDX-License-Identifier: MIT */
/* How many lookups all connections of the relay together may have under way. When that is used up, the
 * processes that want one more take turns (fair_queue.h), however many connections each has.
 *
 * Belongs to the loop's thread. */
#ifndef RELAY_RELAY_TURNS_H
#define RELAY_RELAY_TURNS_H

#include "core/loop.h"
#include "p0f/fair_queue.h"

#include <stdbool.h>
#include <stdint.h>

/* A connection that may wait for a turn. Zeroed but for `flow`, `take` and `ctx`. */
struct relay_turn {
    struct fair_queue_entry entry; /* first: share_turns() casts it to this */
    unsigned flow;                 /* its number */
    void (*take)(void *ctx); /* begins one lookup, which is claimed; may wait for the next turn */
    void *ctx;
};

struct relay_turns {
    struct loop *loop; /* borrowed until relay_turns_close() */
    uint32_t max;      /* of lookups under way, at least 1 */
    uint32_t taken;
    struct fair_queue *waiting;
    struct loop_chore share;
};

/* False when out of memory. */
bool relay_turns_open(struct relay_turns *turns, struct loop *loop, uint32_t max);

/* Nobody may wait. */
void relay_turns_close(struct relay_turns *turns);

/* Applies from now on. */
void relay_turns_set_max(struct relay_turns *turns, uint32_t max);

/* Whether a lookup may begin at once, which then counts until relay_turns_release(). */
bool relay_turns_claim(struct relay_turns *turns);
void relay_turns_release(struct relay_turns *turns);

/* take() is called once, at the end of a round, when a lookup may begin; it counts already. No-op while it
 * waits. */
void relay_turns_wait(struct relay_turns *turns, struct relay_turn *turn);

/* No-op when it does not wait. */
void relay_turns_leave(struct relay_turns *turns, struct relay_turn *turn);

#endif
