/* SPDX-License-Identifier: MIT */
/* Work that is done in slices, between the other work of a loop: so long requests hold up short ones
 * by a slice at most. Each client has its turn after every other one, however much it has asked for.
 *
 * All of it belongs to the loop's thread. */
#ifndef HTTP_TURNS_H
#define HTTP_TURNS_H

#include "core/loop.h"
#include "p0f/fair_queue.h"

#include <stdbool.h>

struct turns;

/* Some work, in the caller's memory, in place from turns_add() until `work` returns true. */
struct turn {
    bool (*work)(
        void *ctx); /* does one slice; true: that was all, and the turn is not used any more */
    void *ctx;

    /* The turns' own; zeroed before its first use. */
    struct fair_queue_entry entry;
};

/* Borrows the loop until turns_free(). NULL when out of memory. */
struct turns *turns_new(struct loop *loop);

/* What is still to be done is forgotten. No-op on NULL. */
void turns_free(struct turns *turns);

/* Has the work done from the loop's next round on, by turns with others. `asker` is the number of
 * whose it is (below FLOWS). */
void turns_add(struct turns *turns, struct turn *turn, unsigned flow);

/* Whether a slice may as well be done at once: nobody waits, and in this round of the loop only a few
 * were. Counts it. */
bool turns_spare(struct turns *turns);

/* Does all that is still to be done, before it returns: at the end. */
void turns_finish(struct turns *turns);

#endif
