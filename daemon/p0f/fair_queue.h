/* What waits for a connection to p0f, taken in turn: one of each asker who has something here, then
 * the next of each; those of one asker in the order they came. So who has put in a thousand waits
 * for them, and the others do not. What the daemon asks for itself (ASKER_DAEMON) goes before all.
 *
 * Entering, taking and leaving cost the same however much is in it. No allocation after queue_new();
 * all of it belongs to one thread. */
#ifndef P0F_FAIR_QUEUE_H
#define P0F_FAIR_QUEUE_H

#include "p0f/flow.h"

#include <stdbool.h>
#include <stdint.h>

struct queue;

/* Somebody's memory, in place while it is in the queue; zeroed before its first use. */
struct queue_entry {
    struct queue_entry *prev, *next; /* of the same asker's */
    unsigned asker;                  /* whose it is */
    uint32_t number;                 /* of theirs, as they came */
    bool queued;
};

/* NULL when out of memory. */
struct queue *queue_new(void);

/* What is still in it is forgotten. NULL is nothing. */
void queue_free(struct queue *queue);

/* Puts it in for this asker (below ASKERS). It must not be in it. */
void queue_add(struct queue *queue, struct queue_entry *entry, unsigned asker);

/* This asker wants it, too: so it becomes theirs, if fewer are before it there. It must be in it. */
void queue_hasten(struct queue *queue, struct queue_entry *entry, unsigned asker);

/* Whether the next one is the daemon's own. */
bool queue_is_urgent(const struct queue *queue);

/* Takes out whose turn it is; NULL when there is none. */
struct queue_entry *queue_take(struct queue *queue);

/* Takes it out of turn. It must be in it. */
void queue_remove(struct queue *queue, struct queue_entry *entry);

uint32_t queue_length(const struct queue *queue);

#endif
