/* SPDX-License-Identifier: MIT */
/* What waits for a connection to p0f, taken in turn: one of each asker who has something here, then
 * the next of each; those of one asker in the order they came. So who has put in a thousand waits
 * for them, and the others do not. What the daemon asks for itself (FLOW_DAEMON) goes before all.
 *
 * Entering, taking and leaving cost the same however much is in it. No allocation after fair_queue_new();
 * all of it belongs to one thread. */
#ifndef P0F_FAIR_QUEUE_H
#define P0F_FAIR_QUEUE_H

#include "p0f/flow.h"

#include <stdbool.h>
#include <stdint.h>

struct fair_queue;

/* Somebody's memory, in place while it is in the queue; zeroed before its first use. */
struct fair_queue_entry {
    struct fair_queue_entry *prev, *next; /* of the same asker's */
    unsigned flow;                        /* whose it is */
    uint32_t number;                      /* of theirs, as they came */
    bool queued;
};

/* NULL when out of memory. */
struct fair_queue *fair_queue_new(void);

/* What is still in it is forgotten. NULL is nothing. */
void fair_queue_free(struct fair_queue *queue);

/* Puts it in for this asker (below FLOWS). It must not be in it. */
void fair_queue_add(struct fair_queue *queue, struct fair_queue_entry *entry, unsigned flow);

/* This asker wants it, too: so it becomes theirs, if fewer are before it there. It must be in it. */
void fair_queue_promote(struct fair_queue *queue, struct fair_queue_entry *entry, unsigned flow);

/* Whether the next one is the daemon's own. */
bool fair_queue_is_urgent(const struct fair_queue *queue);

/* Takes out whose turn it is; NULL when there is none. */
struct fair_queue_entry *fair_queue_take(struct fair_queue *queue);

/* Takes it out of turn. It must be in it. */
void fair_queue_remove(struct fair_queue *queue, struct fair_queue_entry *entry);

uint32_t fair_queue_length(const struct fair_queue *queue);

#endif
