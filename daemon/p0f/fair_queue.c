#include "p0f/fair_queue.h"

#include <stdlib.h>

/* An asker's part. Those with something in them form a ring, save the daemon's own, which is always
 * next. */
struct lane {
    struct queue_entry *first, *last;
    uint32_t length;
    uint32_t added; /* ever */
    struct lane *prev, *next;
};

struct queue {
    struct lane *turn; /* whose it is; NULL: the ring is empty */
    uint32_t length;
    struct lane lanes[ASKERS];
};

struct queue *queue_new(void)
{
    return calloc(1, sizeof(struct queue));
}

void queue_free(struct queue *queue)
{
    free(queue);
}

/* Last in the round that is going on. */
static void enter_ring(struct queue *queue, struct lane *lane)
{
    struct lane *turn = queue->turn;

    if (lane == &queue->lanes[ASKER_DAEMON])
        return;
    if (!turn) {
        queue->turn = lane->prev = lane->next = lane;
        return;
    }
    lane->next = turn;
    lane->prev = turn->prev;
    lane->prev->next = turn->prev = lane;
}

static void leave_ring(struct queue *queue, struct lane *lane)
{
    if (lane == &queue->lanes[ASKER_DAEMON])
        return;
    if (queue->turn == lane)
        queue->turn = lane->next == lane ? NULL : lane->next;
    lane->prev->next = lane->next;
    lane->next->prev = lane->prev;
}

void queue_add(struct queue *queue, struct queue_entry *entry, unsigned asker)
{
    struct lane *lane = &queue->lanes[asker];

    *entry = (struct queue_entry){
        .prev = lane->last, .asker = asker, .number = lane->added++, .queued = true};
    if (lane->last) {
        lane->last->next = entry;
    } else {
        lane->first = entry;
        enter_ring(queue, lane);
    }
    lane->last = entry;
    lane->length++;
    queue->length++;
}

void queue_remove(struct queue *queue, struct queue_entry *entry)
{
    struct lane *lane = &queue->lanes[entry->asker];

    if (entry->prev)
        entry->prev->next = entry->next;
    else
        lane->first = entry->next;
    if (entry->next)
        entry->next->prev = entry->prev;
    else
        lane->last = entry->prev;
    if (!lane->first)
        leave_ring(queue, lane);
    entry->queued = false;
    lane->length--;
    queue->length--;
}

void queue_hasten(struct queue *queue, struct queue_entry *entry, unsigned asker)
{
    const struct lane *lane = &queue->lanes[entry->asker];
    uint32_t before = entry->number - lane->first->number; /* or less, if some have left */

    if (asker == entry->asker || queue->lanes[asker].length >= before)
        return;
    queue_remove(queue, entry);
    queue_add(queue, entry, asker);
}

bool queue_is_urgent(const struct queue *queue)
{
    return queue->lanes[ASKER_DAEMON].length > 0;
}

struct queue_entry *queue_take(struct queue *queue)
{
    struct lane *lane = queue->turn;

    if (queue_is_urgent(queue)) {
        struct queue_entry *own = queue->lanes[ASKER_DAEMON].first;
        queue_remove(queue, own);
        return own;
    }
    if (!lane)
        return NULL;
    struct queue_entry *entry = lane->first;
    queue->turn = lane->next;
    queue_remove(queue, entry); /* which moves the turn on if it is its last, and the only one */
    return entry;
}

uint32_t queue_length(const struct queue *queue)
{
    return queue->length;
}
