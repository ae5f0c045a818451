/* SPDX-License-Identifier: MIT */
/* Work done in slices between a loop's other work, so that a long request delays short ones by one slice
 * at most. Clients take turns, however much each has asked for.
 *
 * All of it belongs to the loop's thread. */
#ifndef HTTP_TURNS_H
#define HTTP_TURNS_H

#include "core/loop.h"
#include "p0f/fair_queue.h"

#include <stdbool.h>

struct turns;

/* Some work; in the caller's memory, and not moved from turns_add() until `work` returns true. */
struct turn {
    /* Does one slice. True: that was all, and the turn is not used any more. */
    bool (*work)(void *ctx);
    void *ctx;

    /* The turns' own; zeroed before its first use. */
    struct fair_queue_entry entry;
};

/* Borrows the loop until turns_free(). NULL when out of memory. */
struct turns *turns_new(struct loop *loop);

/* Forgets the work that is not done. No-op on NULL. */
void turns_free(struct turns *turns);

/* Has the work done from the loop's next round on, in turn with that of other flows. `flow` is the
 * client's number (below FLOWS). */
void turns_add(struct turns *turns, struct turn *turn, unsigned flow);

/* Whether a slice may be done at once: nobody waits, and few were done at once in this round of the
 * loop. Counts it. */
bool turns_spare(struct turns *turns);

/* Does all remaining work before it returns. */
void turns_finish(struct turns *turns);

#endif
