/* SPDX-License-Identifier: MIT */
#include "p0f/fair_queue.h"

#include <stdlib.h>

/* An asker's part. Those with something in them form a ring, save the daemon's own, which is always
 * next. */
struct flow_queue {
    struct fair_queue_entry *first, *last;
    uint32_t length;
    uint32_t added; /* ever */
    struct flow_queue *prev, *next;
};

struct fair_queue {
    struct flow_queue *turn; /* whose it is; NULL: the ring is empty */
    uint32_t length;
    struct flow_queue flow_queues[FLOWS];
};

struct fair_queue *fair_queue_new(void)
{
    return calloc(1, sizeof(struct fair_queue));
}

void fair_queue_free(struct fair_queue *queue)
{
    free(queue);
}

/* Last in the round that is going on. */
static void enter_ring(struct fair_queue *queue, struct flow_queue *flow_queue)
{
    struct flow_queue *turn = queue->turn;

    if (flow_queue == &queue->flow_queues[FLOW_DAEMON])
        return;
    if (!turn) {
        queue->turn = flow_queue->prev = flow_queue->next = flow_queue;
        return;
    }
    flow_queue->next = turn;
    flow_queue->prev = turn->prev;
    flow_queue->prev->next = turn->prev = flow_queue;
}

static void leave_ring(struct fair_queue *queue, struct flow_queue *flow_queue)
{
    if (flow_queue == &queue->flow_queues[FLOW_DAEMON])
        return;
    if (queue->turn == flow_queue)
        queue->turn = flow_queue->next == flow_queue ? NULL : flow_queue->next;
    flow_queue->prev->next = flow_queue->next;
    flow_queue->next->prev = flow_queue->prev;
}

void fair_queue_add(struct fair_queue *queue, struct fair_queue_entry *entry, unsigned flow)
{
    struct flow_queue *flow_queue = &queue->flow_queues[flow];

    *entry = (struct fair_queue_entry){
        .prev = flow_queue->last, .flow = flow, .number = flow_queue->added++, .queued = true};
    if (flow_queue->last) {
        flow_queue->last->next = entry;
    } else {
        flow_queue->first = entry;
        enter_ring(queue, flow_queue);
    }
    flow_queue->last = entry;
    flow_queue->length++;
    queue->length++;
}

void fair_queue_remove(struct fair_queue *queue, struct fair_queue_entry *entry)
{
    struct flow_queue *flow_queue = &queue->flow_queues[entry->flow];

    if (entry->prev)
        entry->prev->next = entry->next;
    else
        flow_queue->first = entry->next;
    if (entry->next)
        entry->next->prev = entry->prev;
    else
        flow_queue->last = entry->prev;
    if (!flow_queue->first)
        leave_ring(queue, flow_queue);
    entry->queued = false;
    flow_queue->length--;
    queue->length--;
}

void fair_queue_promote(struct fair_queue *queue, struct fair_queue_entry *entry, unsigned flow)
{
    const struct flow_queue *flow_queue = &queue->flow_queues[entry->flow];
    uint32_t before = entry->number - flow_queue->first->number; /* or less, if some have left */

    if (flow == entry->flow || queue->flow_queues[flow].length >= before)
        return;
    fair_queue_remove(queue, entry);
    fair_queue_add(queue, entry, flow);
}

bool fair_queue_is_urgent(const struct fair_queue *queue)
{
    return queue->flow_queues[FLOW_DAEMON].length > 0;
}

struct fair_queue_entry *fair_queue_take(struct fair_queue *queue)
{
    struct flow_queue *flow_queue = queue->turn;

    if (fair_queue_is_urgent(queue)) {
        struct fair_queue_entry *own = queue->flow_queues[FLOW_DAEMON].first;
        fair_queue_remove(queue, own);
        return own;
    }
    if (!flow_queue)
        return NULL;
    struct fair_queue_entry *entry = flow_queue->first;
    queue->turn = flow_queue->next;
    fair_queue_remove(queue,
                      entry); /* which moves the turn on if it is its last, and the only one */
    return entry;
}

uint32_t fair_queue_length(const struct fair_queue *queue)
{
    return queue->length;
}
