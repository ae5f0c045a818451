/* SPDX-License-Identifier: MIT */
/* The connections to p0f, and the queue of queries that wait for them.
 *
 * p0f serves at most 20 clients, in one thread, and is killed by a client that hangs up while an answer
 * is outstanding. So there are never more than `connections` of ours, including those that are
 * connecting or draining; none is closed while an answer is outstanding on it; one that breaks is
 * replaced after a growing, jittered pause. Queries are taken from the queue by turns between the flows
 * (fair_queue.h), and go to the connection with the fewest pending.
 *
 * Belongs to the loop's thread. */
#ifndef P0F_POOL_H
#define P0F_POOL_H

#include "core/loop.h"
#include "p0f/fair_queue.h"
#include "p0f/pool_status.h"
#include "p0fclient.h"

#include <stdbool.h>
#include <stdint.h>

struct pool;

struct pool_options {
    const char *socket; /* path; copied */
    enum p0f_dialect dialect;
    unsigned connections; /* 1..POOL_MAX */
    unsigned pipeline;    /* queries in flight on each */
    uint32_t max_rate;    /* queries per second; 0: no limit */
    uint64_t seed;        /* of the jitter */
    /* Called with the reason (pool_fault.h) when it is logged that p0f cannot be queried, and with NULL
     * when it can be again. May be NULL. */
    void (*told)(void *ctx, const char *fault);
    void *ctx;
};

/* A query, in the caller's memory from pool_ask() until `answer` is called or it is cancelled. `answer`
 * is called exactly once, with p0f's answer, or with the error that ended the connection
 * (P0F_DISCONNECTED, P0F_MALFORMED, P0F_LOST, P0F_WRONG_DIALECT), or with P0F_UNREACHABLE when no
 * connection is left. */
struct pool_query {
    struct p0f_addr addr;
    unsigned flow; /* whose turn it takes; FLOW_DAEMON is always next, whatever max_rate */
    p0f_answer_fn *answer;
    void *ctx;

    /* The pool's own. */
    struct pool *pool;
    struct fair_queue_entry entry;
    struct mono sent;
};

/* Connects at once. NULL with errno when out of memory (ENOMEM) or above POOL_MAX (EINVAL). */
struct pool *pool_new(struct loop *loop, const struct pool_options *options);

/* Queues a query, to be sent at the end of the loop's round at the earliest. P0F_UNREACHABLE, and it is
 * not queued, when there is no connection to p0f. */
enum p0f_error pool_ask(struct pool *pool, struct pool_query *query) P0F_MUST_USE;

/* Another flow waits for its answer, too: sends it in that flow's turn if that is sooner. */
void pool_promote(struct pool *pool, struct pool_query *query, unsigned flow);

/* Removes a query that is not sent yet: `answer` is not called. False when it is sent. */
bool pool_cancel(struct pool *pool, struct pool_query *query) P0F_MUST_USE;

/* Takes effect at once. */
void pool_set_max_rate(struct pool *pool, uint32_t max_rate);

/* Makes no new connections and takes no new queries from now on. Calls `drained` once, when no answer is
 * outstanding any more, possibly before this returns. */
void pool_retire(struct pool *pool, void (*drained)(void *ctx), void *ctx);

/* Stops waiting for p0f: tells all queries, sent or not, P0F_DISCONNECTED or P0F_UNREACHABLE, and then does as
 * pool_retire(), whose `drained` is called if it has not been. Stores the connections on which answers are
 * outstanding in `conns`, and returns how many they are. The caller owns them: drain_process.h. */
unsigned pool_give_up(struct pool *pool, struct p0f_conn *conns[POOL_MAX]);

/* Outstanding answers, over all connections. */
unsigned pool_outstanding(const struct pool *pool);

/* For how many milliseconds p0f has not answered, with an answer outstanding; that to a probe, if no connection
 * has had an answer yet. */
int64_t pool_overdue_ms(const struct pool *pool);

/* Connections that are open. */
unsigned pool_connections(const struct pool *pool);

/* Takes a snapshot. */
void pool_status(const struct pool *pool, struct pool_status *status);

/* Only when no answer is outstanding: before the loop's first round, or after `drained`. No-op on
 * NULL. */
void pool_free(struct pool *pool);

#endif
