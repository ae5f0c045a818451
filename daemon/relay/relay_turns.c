/* SPDX-License-Identifier: MIT */
#include "relay/relay_turns.h"

#include <stddef.h>

static bool has_turn(const struct relay_turns *turns)
{
    return turns->taken < turns->max;
}

static void share_turns(void *ctx)
{
    struct relay_turns *turns = ctx;
    struct relay_turn *first;

    while (has_turn(turns) && (first = (struct relay_turn *)fair_queue_take(turns->waiting))) {
        turns->taken++;
        first->take(first->ctx);
    }
}

bool relay_turns_open(struct relay_turns *turns, struct loop *loop, uint32_t max)
{
    *turns =
        (struct relay_turns){.loop = loop, .max = max, .share = {.run = share_turns, .ctx = turns}};
    turns->waiting = fair_queue_new();
    return turns->waiting;
}

void relay_turns_close(struct relay_turns *turns)
{
    loop_drop(turns->loop, &turns->share);
    fair_queue_free(turns->waiting);
}

void relay_turns_set_max(struct relay_turns *turns, uint32_t max)
{
    turns->max = max;
    loop_later(turns->loop, &turns->share);
}

/* Nobody overtakes those who wait. */
bool relay_turns_claim(struct relay_turns *turns)
{
    if (!has_turn(turns) || fair_queue_length(turns->waiting) > 0)
        return false;
    turns->taken++;
    return true;
}

void relay_turns_release(struct relay_turns *turns)
{
    turns->taken--;
    if (fair_queue_length(turns->waiting) > 0)
        loop_later(turns->loop, &turns->share);
}

void relay_turns_wait(struct relay_turns *turns, struct relay_turn *turn)
{
    if (!turn->entry.queued)
        fair_queue_add(turns->waiting, &turn->entry, turn->flow);
}

void relay_turns_leave(struct relay_turns *turns, struct relay_turn *turn)
{
    if (turn->entry.queued)
        fair_queue_remove(turns->waiting, &turn->entry);
}
