/* SPDX-License-Identifier: MIT */
/* What holds for all links of a pool together. Private to the pool, in the loop's thread. */
#ifndef P0F_LINK_SET_H
#define P0F_LINK_SET_H

#include "p0f/link.h"
#include "p0f/pool_status.h"

#include <stdbool.h>

struct link_set {
    struct link *links; /* borrowed, started */
    unsigned count;
};

bool link_set_any_ready(const struct link_set *set);

/* Whether any takes queries, or soon will again. */
bool link_set_any_may_answer(const struct link_set *set);

/* Whether any has queries, sent or not, whose callback has not been called. */
bool link_set_any_pending(const struct link_set *set);

/* Links that have a connection. */
unsigned link_set_open(const struct link_set *set);

/* Outstanding answers, those to probes included. */
unsigned link_set_outstanding(const struct link_set *set);

/* The same of ready links only. */
unsigned link_set_ready_outstanding(const struct link_set *set);

/* The ready link that has the fewest pending, and fewer than `pipeline`; or NULL. Never one on which p0f
 * has not answered yet: if its connection limit is reached, a query there waits until another client
 * leaves. */
struct link *link_set_for_query(const struct link_set *set, unsigned pipeline);

/* For how many milliseconds p0f has given no answer at all, with one outstanding: on ready links. */
int64_t link_set_overdue_ms(const struct link_set *set, struct mono now);

/* The same where no link is ready: for how long the one that was connected last has not been answered. */
int64_t link_set_unserved_ms(const struct link_set *set, struct mono now);

/* Fills in `links`, and what follows from them alone. */
void link_set_status(const struct link_set *set, struct pool_status *status);

#endif
