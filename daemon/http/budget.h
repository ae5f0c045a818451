/* SPDX-License-Identifier: MIT */
/* Memory that clients can have us hold, in bytes: so much in all, and one client half of it. What an
 * IPv6 client is, asker.h says. Memory is fixed; nothing is locked. Any thread. */
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

/* Takes so much for this client, until budget_give(). False: there is not so much left for it. */
bool budget_take(struct budget *budget, struct flow client, size_t bytes) P0F_MUST_USE;

/* Gives back what this client has taken, or some of it. */
void budget_give(struct budget *budget, struct flow client, size_t bytes);

/* How much is taken. */
size_t budget_taken(const struct budget *budget);

#endif
