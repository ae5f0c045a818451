/* SPDX-License-Identifier: MIT */
/* The queries that wait for a connection to p0f, served round-robin: one of each flow, in the order in
 * which the flow added them. A client with a thousand queries here delays only itself. The daemon's
 * own (FLOW_DAEMON) go first.
 *
 * Every operation takes constant time. Allocates nothing after fair_queue_new(). Belongs to one
 * thread. */
#ifndef P0F_FAIR_QUEUE_H
#define P0F_FAIR_QUEUE_H

#include "p0f/flow.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

struct fair_queue;

/* In the caller's memory, which must not move while it is queued. Zeroed before its first use. */
struct fair_queue_entry {
    TAILQ_ENTRY(fair_queue_entry) link; /* in its flow */
    unsigned flow;
    uint32_t number; /* counts those added to the flow */
    bool queued;
};

/* NULL when out of memory. */
struct fair_queue *fair_queue_new(void);

/* Forgets what is still queued. No-op on NULL. */
void fair_queue_free(struct fair_queue *queue);

/* Appends the entry to this flow (below FLOWS). It must not be queued. */
void fair_queue_add(struct fair_queue *queue, struct fair_queue_entry *entry, unsigned flow);

/* This flow wants it, too: moves it there if fewer are ahead of it. It must be queued. */
void fair_queue_promote(struct fair_queue *queue, struct fair_queue_entry *entry, unsigned flow);

/* Whether the next entry is the daemon's own. */
bool fair_queue_is_urgent(const struct fair_queue *queue);

/* Removes the next entry and returns it. NULL when the queue is empty. */
struct fair_queue_entry *fair_queue_take(struct fair_queue *queue);

/* Removes this entry. It must be queued. */
void fair_queue_remove(struct fair_queue *queue, struct fair_queue_entry *entry);

uint32_t fair_queue_length(const struct fair_queue *queue);

#endif
