/* SPDX-License-Identifier: MIT */
/* Whether p0f answers, found out by asking it: for GET /readyz.
 *
 * A query of its own, for 0.0.0.0 and past cache and flights, goes through the pool at most once a
 * second, before all others that wait there; requests that come meanwhile share it or the result of
 * the last. Without a connection on which p0f has answered, no query is needed to say no. The text
 * with a no says why. */
#ifndef OPS_READINESS_H
#define OPS_READINESS_H

#include "core/loop.h"
#include "p0f/pool.h"
#include "p0f/pool_fault.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

struct readiness;

#define READINESS_TIMEOUT_MAX 900 /* ms; so that a p0f that stops is found out within two seconds */

struct readiness_request {
    /* Set by the caller. */
    void (*done)(struct readiness_request *request);

    /* Set when done. */
    bool ready;
    char reason[POOL_FAULT_SIZE]; /* why not; "" when ready */

    /* The readiness's own. */
    struct readiness *readiness;
    SLIST_ENTRY(readiness_request) link;
    struct loop_task task;
};

/* Borrows loop and pool. `timeout` in milliseconds is how long p0f is given, READINESS_TIMEOUT_MAX
 * at most. NULL with errno when out of memory. */
struct readiness *readiness_new(struct loop *loop, struct pool *pool, int64_t timeout);

/* After pool_free(): the query may be in the pool until then. No request may be pending. */
void readiness_free(struct readiness *readiness);

/* In force for the next query. In the loop's thread. */
void readiness_set_timeout(struct readiness *readiness, int64_t timeout);

/* The request is the readiness's until done() is called, once: in the loop's thread or, when winding
 * down, in this one before this returns. Any thread. */
void readiness_ask(struct readiness *readiness, struct readiness_request *request);

/* From here on the answer is no, also for those who wait. In the loop's thread. */
void readiness_shut_down(struct readiness *readiness);

/* Requests not yet done. Once winding down and 0, the loop is needed for none to come. Any thread. */
uint32_t readiness_pending(const struct readiness *readiness);

#endif
