/* SPDX-License-Identifier: MIT */
/* The few connections to p0f, and the queue of queries that wait for them.
 *
 * p0f serves at most 20 clients, in one thread, and dies of a client that hangs up while it is owed
 * an answer. So there are never more than `connections` of ours, counting those still connecting or
 * draining; none is closed while it is owed; one that breaks is replaced after a growing, jittered
 * pause. A query goes to the connection that is owed least. Which query that is goes by turns between
 * the askers (queue.h).
 *
 * All of it belongs to the loop's thread. */
#ifndef P0F_POOL_H
#define P0F_POOL_H

#include "core/loop.h"
#include "p0f/fair_queue.h"
#include "p0f/link.h"
#include "p0fclient.h"

#include <stdbool.h>
#include <stdint.h>

struct pool;

#define POOL_MAX 100 /* connections; p0f -S allows no more */

struct pool_options {
    const char *socket; /* path; copied */
    enum p0f_dialect dialect;
    unsigned connections; /* 1..POOL_MAX */
    unsigned pipeline;    /* queries in flight on each */
    uint32_t max_rate;    /* queries a second, 0 = no limit */
    uint64_t seed;        /* of the jitter */
};

/* A query, in the caller's memory from pool_ask() until `answer` is called or it is cancelled.
 * `answer` is called exactly once, with what p0f said or with the error that ended the connection
 * (P0F_DISCONNECTED, P0F_MALFORMED, P0F_LOST, P0F_WRONG_DIALECT), or P0F_UNREACHABLE when none is
 * left. */
struct pool_query {
    struct p0f_addr addr;
    unsigned flow; /* whose turn it takes; of FLOW_DAEMON it is next, and max_rate no hindrance */
    p0f_answer_fn *answer;
    void *ctx;

    /* The pool's own. */
    struct pool *pool;
    struct fair_queue_entry entry;
    struct mono sent;
};

/* Starts connecting at once. NULL with errno: out of memory, or too many connections. */
struct pool *pool_new(struct loop *loop, const struct pool_options *options);

/* Queues a query; it is sent at the end of the round at the earliest. P0F_UNREACHABLE when there is
 * no connection to p0f: then it was not taken. */
enum p0f_error pool_ask(struct pool *pool, struct pool_query *query) P0F_MUST_USE;

/* This asker waits for its answer, too: has it sent in their turn if that comes sooner. */
void pool_promote(struct pool *pool, struct pool_query *query, unsigned flow);

/* Takes back a query that has not been sent yet. False when it has: its answer will come. */
bool pool_cancel(struct pool *pool, struct pool_query *query) P0F_MUST_USE;

/* In force at once. */
void pool_set_max_rate(struct pool *pool, uint32_t max_rate);

/* No new connections and no new queries from here on; those sent are waited for. `drained` is
 * called once, when p0f owes nothing any more (perhaps right away). */
void pool_retire(struct pool *pool, void (*drained)(void *ctx), void *ctx);

/* Answers p0f owes us, over all connections. */
unsigned pool_outstanding(const struct pool *pool);

/* What the pool is at, as it was when it was looked at. */
struct pool_status {
    const char *socket;       /* the pool's own */
    enum p0f_dialect dialect; /* spoken; P0F_DIALECT_AUTO: not known */
    enum p0f_dialect wanted;  /* as the options have it */
    bool up;                  /* p0f answers, or owes nothing on a connection it has answered on */
    bool limit_suspected;     /* connected, but never answered: p0f -S seems reached */
    uint32_t queued;          /* queries not sent yet */
    uint32_t outstanding;     /* answers to queries sent, over all connections */
    uint32_t max_rate;
    uint64_t reconnects; /* connections that took the place of a lost one, ever */
    uint32_t connections;
    struct link_status links[POOL_MAX]; /* so many as there are connections */
};

void pool_status(const struct pool *pool, struct pool_status *status);

/* Only when nothing is owed: before the first loop round, or after `drained`. */
void pool_free(struct pool *pool);

#endif
