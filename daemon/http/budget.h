/* SPDX-License-Identifier: MIT */
/* A budget for the memory that clients make us hold, in bytes: one client has half of it at most. flow.h
 * says what a client is. Its own memory is fixed; nothing is locked. Any thread. */
#ifndef HTTP_BUDGET_H
#define HTTP_BUDGET_H

#include "p0f/flow.h"

#include <stdbool.h>
#include <stddef.h>

struct budget;

/* NULL when out of memory. */
struct budget *budget_new(size_t limit);

/* No-op on NULL. */
void budget_free(struct budget *budget);

/* Takes that much for the client until budget_give(). False when less is left for it. */
bool budget_take(struct budget *budget, struct flow client, size_t bytes) P0F_MUST_USE;

/* Returns what the client has taken, or a part of it. */
void budget_give(struct budget *budget, struct flow client, size_t bytes);

/* How much is taken in all. */
size_t budget_taken(const struct budget *budget);

#endif
