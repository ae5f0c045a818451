/* SPDX-License-Identifier: MIT */
#include "http/turns.h"

#include <stddef.h>
#include <stdlib.h>

#define ROUND_NS 200000 /* per round of the loop; the last slice may exceed it */
#define SPARE_MAX 4     /* slices done at once per round of the loop */

struct turns {
    struct loop *loop;
    struct fair_queue *queue;
    struct loop_timer next; /* armed while there is something to do */
    struct mono round;      /* the one of the loop that `spared` counts in */
    unsigned spared;
};

/* In the next round, so that the loop's other work is done in between. */
static void go_on_next_round(struct turns *turns)
{
    if (!loop_armed(&turns->next))
        loop_arm(turns->loop, &turns->next, mono_add_ns(loop_now(turns->loop), 1));
}

static void do_slice(struct turns *turns)
{
    struct fair_queue_entry *entry = fair_queue_take(turns->queue);
    struct turn *turn = (struct turn *)((char *)entry - offsetof(struct turn, entry));
    unsigned flow = entry->flow;

    if (!turn->work(turn->ctx))
        fair_queue_add(turns->queue, &turn->entry, flow);
}

static void on_round(void *ctx)
{
    struct turns *turns = ctx;
    struct mono until = mono_add_ns(loop_clock(turns->loop), ROUND_NS);

    while (fair_queue_length(turns->queue) > 0) {
        do_slice(turns);
        if (!mono_before(loop_clock(turns->loop), until))
            break;
    }
    if (fair_queue_length(turns->queue) > 0)
        go_on_next_round(turns);
}

struct turns *turns_new(struct loop *loop)
{
    struct turns *turns = calloc(1, sizeof *turns);

    if (!turns)
        return NULL;
    turns->loop = loop;
    turns->next = (struct loop_timer){.fire = on_round, .ctx = turns};
    turns->queue = fair_queue_new();
    if (!turns->queue) {
        turns_free(turns);
        return NULL;
    }
    return turns;
}

void turns_free(struct turns *turns)
{
    if (!turns)
        return;
    loop_disarm(turns->loop, &turns->next);
    fair_queue_free(turns->queue);
    free(turns);
}

void turns_add(struct turns *turns, struct turn *turn, unsigned flow)
{
    fair_queue_add(turns->queue, &turn->entry, flow);
    go_on_next_round(turns);
}

bool turns_spare(struct turns *turns)
{
    struct mono now = loop_now(turns->loop);

    if (mono_before(turns->round, now)) {
        turns->round = now;
        turns->spared = 0;
    }
    return fair_queue_length(turns->queue) == 0 && turns->spared++ < SPARE_MAX;
}

void turns_finish(struct turns *turns)
{
    while (fair_queue_length(turns->queue) > 0)
        do_slice(turns);
}
