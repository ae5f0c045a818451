/* SPDX-License-Identifier: MIT */
#include "p0f/fair_queue.h"

#include <stdlib.h>

struct flow_queue {
    TAILQ_HEAD(, fair_queue_entry) entries;
    uint32_t length;
    uint32_t added; /* ever */
    TAILQ_ENTRY(flow_queue) link;
};

struct fair_queue {
    /* Flows with something queued, the next one first; without the daemon's own, which needs no turn. */
    TAILQ_HEAD(, flow_queue) round;
    uint32_t length;
    struct flow_queue flows[FLOWS];
};

struct fair_queue *fair_queue_new(void)
{
    struct fair_queue *queue = calloc(1, sizeof *queue);

    if (!queue)
        return NULL;
    TAILQ_INIT(&queue->round);
    for (unsigned flow = 0; flow < FLOWS; flow++)
        TAILQ_INIT(&queue->flows[flow].entries);
    return queue;
}

void fair_queue_free(struct fair_queue *queue)
{
    free(queue);
}

void fair_queue_add(struct fair_queue *queue, struct fair_queue_entry *entry, unsigned flow)
{
    struct flow_queue *flow_queue = &queue->flows[flow];

    if (flow_queue->length == 0 && flow != FLOW_DAEMON)
        TAILQ_INSERT_TAIL(&queue->round, flow_queue, link);
    *entry = (struct fair_queue_entry){.flow = flow, .number = flow_queue->added++, .queued = true};
    TAILQ_INSERT_TAIL(&flow_queue->entries, entry, link);
    flow_queue->length++;
    queue->length++;
}

void fair_queue_remove(struct fair_queue *queue, struct fair_queue_entry *entry)
{
    struct flow_queue *flow_queue = &queue->flows[entry->flow];

    TAILQ_REMOVE(&flow_queue->entries, entry, link);
    entry->queued = false;
    flow_queue->length--;
    queue->length--;
    if (flow_queue->length == 0 && entry->flow != FLOW_DAEMON)
        TAILQ_REMOVE(&queue->round, flow_queue, link);
}

void fair_queue_promote(struct fair_queue *queue, struct fair_queue_entry *entry, unsigned flow)
{
    const struct fair_queue_entry *first = TAILQ_FIRST(&queue->flows[entry->flow].entries);
    uint32_t ahead = entry->number - first->number; /* at most: some may have been removed */

    if (flow == entry->flow || queue->flows[flow].length >= ahead)
        return;
    fair_queue_remove(queue, entry);
    fair_queue_add(queue, entry, flow);
}

bool fair_queue_is_urgent(const struct fair_queue *queue)
{
    return queue->flows[FLOW_DAEMON].length > 0;
}

struct fair_queue_entry *fair_queue_take(struct fair_queue *queue)
{
    bool urgent = fair_queue_is_urgent(queue);
    struct flow_queue *next = urgent ? &queue->flows[FLOW_DAEMON] : TAILQ_FIRST(&queue->round);

    if (!next)
        return NULL;
    if (!urgent) {
        TAILQ_REMOVE(&queue->round, next, link);
        TAILQ_INSERT_TAIL(&queue->round, next, link);
    }
    struct fair_queue_entry *entry = TAILQ_FIRST(&next->entries);
    fair_queue_remove(queue, entry);
    return entry;
}

uint32_t fair_queue_length(const struct fair_queue *queue)
{
    return queue->length;
}
