/* SPDX-License-Identifier: MIT */
#include "p0f/pool.h"

#include "core/metrics.h"
#include "p0f/pool_log.h"
#include "p0f/send_rate.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define OVERDUE_MS 1000 /* p0f answers within its 10 ms round unless it is busy or stopped */

struct pool {
    struct loop *loop;
    char *socket;
    struct link_common common;

    struct fair_queue *queue;
    struct loop_chore send;
    struct send_rate rate;

    void (*drained)(void *ctx);
    void *drained_ctx;
    struct pool_log log;

    unsigned link_count;
    struct link links[];
};

static bool any_may_answer(const struct pool *pool)
{
    for (unsigned i = 0; i < pool->link_count; i++)
        if (link_may_answer(&pool->links[i]))
            return true;
    return false;
}

/* ---- Sending */

/* The link with room that has the fewest pending. Never one on which p0f has not answered yet: if its
 * connection limit is reached, a query there waits until another client leaves. */
static struct link *link_for_query(struct pool *pool)
{
    struct link *best = NULL;

    for (unsigned i = 0; i < pool->link_count; i++) {
        struct link *link = &pool->links[i];
        if (link->state != LINK_READY || p0f_conn_pending(link->conn) >= pool->common.pipeline)
            continue;
        if (!best || p0f_conn_pending(link->conn) < p0f_conn_pending(best->conn))
            best = link;
    }
    return best;
}

/* The daemon's own query, at most one a second, is exempt from the rate: otherwise p0f would seem not
 * to answer whenever the rate is used up. */
static bool may_send(struct pool *pool)
{
    return send_rate_take(&pool->rate) || fair_queue_is_urgent(pool->queue);
}

static enum metric metric_of(enum p0f_error error)
{
    switch (error) {
    case P0F_OK:
        return METRIC_P0F_FOUND;
    case P0F_NO_MATCH:
        return METRIC_P0F_NO_MATCH;
    case P0F_BAD_QUERY:
        return METRIC_P0F_BAD_QUERY;
    case P0F_MALFORMED:
    case P0F_LOST:
        return METRIC_P0F_LOST_MALFORMED;
    case P0F_WRONG_DIALECT:
        return METRIC_P0F_LOST_WRONG_DIALECT;
    default:
        return METRIC_P0F_LOST_DISCONNECTED;
    }
}

/* What became of a query that was sent. */
static void count_answer(const struct pool_query *query, enum p0f_error error)
{
    metrics_count(metric_of(error));
    if (error <= P0F_BAD_QUERY) /* an arrival wakes the loop, so the round's time is its time */
        metrics_observe(METRICS_ANSWER_TIME, loop_now(query->pool->loop).ns - query->sent.ns);
}

static void on_pool_answer(void *ctx, enum p0f_error error, const struct p0f_host *host)
{
    struct pool_query *query = ctx;

    count_answer(query, error);
    query->answer(query->ctx, error, host); /* may queue the query again */
}

/* NULL when none is queued. */
static struct pool_query *take_query(struct pool *pool)
{
    struct fair_queue_entry *entry = fair_queue_take(pool->queue);

    if (!entry)
        return NULL;
    return (struct pool_query *)((char *)entry - offsetof(struct pool_query, entry));
}

static void send_queued(void *ctx)
{
    struct pool *pool = ctx;
    struct mono now = loop_clock(pool->loop); /* this round may have taken long */
    struct link *link;

    while (fair_queue_length(pool->queue) > 0 && (link = link_for_query(pool)) && may_send(pool)) {
        struct pool_query *query = take_query(pool);
        query->sent = now;
        enum p0f_error error = p0f_conn_ask(link->conn, &query->addr, on_pool_answer, query);
        if (error == P0F_OK)
            metrics_count(METRIC_P0F_QUERIES);
        else /* cannot happen on an open link with room */
            query->answer(query->ctx, error, NULL);
    }
    for (unsigned i = 0; i < pool->link_count; i++)
        link_flush(&pool->links[i]);
}

static void send_later(void *ctx)
{
    struct pool *pool = ctx;

    loop_later(pool->loop, &pool->send);
}

/* ---- What becomes of the links */

static bool any_pending(const struct pool *pool)
{
    for (unsigned i = 0; i < pool->link_count; i++)
        if (pool->links[i].conn && p0f_conn_pending(pool->links[i].conn) > 0)
            return true;
    return false;
}

static void report_drained(struct pool *pool)
{
    void (*drained)(void *ctx) = pool->drained;

    if (!pool->common.retiring || !drained || pool_outstanding(pool) > 0 || any_pending(pool))
        return;
    pool->drained = NULL;
    drained(pool->drained_ctx);
}

static void fail_queue(struct pool *pool, enum p0f_error error)
{
    struct pool_query *query;

    while ((query = take_query(pool)))
        query->answer(query->ctx, error, NULL);
}

static void on_lost(struct pool *pool, const struct link *link, enum p0f_error error)
{
    struct link_fault fault = link->fault;

    fault.error = error;
    pool_log_broken(&pool->log, &fault);
    if (any_may_answer(pool) || pool->common.retiring)
        return;
    pool_log_down(&pool->log, &fault);
    fail_queue(pool, P0F_UNREACHABLE);
}

static void on_link_ready(struct pool *pool, const struct link *link)
{
    bool first = true, silent = false;

    for (unsigned i = 0; i < pool->link_count; i++) {
        const struct link *other = &pool->links[i];
        first = first && (other == link || other->state != LINK_READY);
        silent = silent || other->silent;
    }
    pool_log_ready(&pool->log, p0f_conn_dialect(link->conn), first, silent);
}

static void on_link_event(void *ctx, struct link *link, enum link_event event, enum p0f_error error)
{
    struct pool *pool = ctx;

    switch (event) {
    case LINK_EVENT_CONNECTED: /* its probes are sent even without a query */
        loop_later(pool->loop, &pool->send);
        break;
    case LINK_EVENT_PROGRESS:
        break;
    case LINK_EVENT_READY:
        on_link_ready(pool, link);
        break;
    case LINK_EVENT_SILENT:
        pool_log_silent(&pool->log);
        break;
    case LINK_EVENT_LOST:
        on_lost(pool, link, error);
        break;
    }
    if (fair_queue_length(pool->queue) > 0)
        loop_later(pool->loop, &pool->send);
    report_drained(pool);
}

/* ---- The whole */

static void free_memory(struct pool *pool)
{
    fair_queue_free(pool->queue);
    free(pool->socket);
    free(pool);
}

struct pool *pool_new(struct loop *loop, const struct pool_options *options)
{
    struct pool *pool;

    if (options->connections > POOL_MAX) {
        errno = EINVAL;
        return NULL;
    }
    pool = calloc(1, sizeof *pool + options->connections * sizeof(struct link));
    if (!pool)
        return NULL;
    pool->socket = strdup(options->socket);
    pool->queue = fair_queue_new();
    if (!pool->socket || !pool->queue) {
        free_memory(pool);
        return NULL;
    }
    pool->loop = loop;
    pool->common = (struct link_common){
        .loop = loop,
        .socket = pool->socket,
        .dialect = options->dialect,
        .pipeline = options->pipeline,
        .random = options->seed,
        .event = on_link_event,
        .ctx = pool,
    };
    pool_log_start(&pool->log, loop, pool->socket, options->dialect);
    pool->send = (struct loop_chore){.run = send_queued, .ctx = pool};
    send_rate_start(&pool->rate, loop, send_later, pool);
    pool->link_count = options->connections;
    pool_set_max_rate(pool, options->max_rate);
    for (unsigned i = 0; i < pool->link_count; i++)
        link_start(&pool->links[i], &pool->common);
    return pool;
}

enum p0f_error pool_ask(struct pool *pool, struct pool_query *query)
{
    if (pool->common.retiring || !any_may_answer(pool))
        return P0F_UNREACHABLE;
    query->pool = pool;
    fair_queue_add(pool->queue, &query->entry, query->flow);
    loop_later(pool->loop, &pool->send);
    return P0F_OK;
}

void pool_promote(struct pool *pool, struct pool_query *query, unsigned flow)
{
    if (query->entry.queued)
        fair_queue_promote(pool->queue, &query->entry, flow);
}

bool pool_cancel(struct pool *pool, struct pool_query *query)
{
    if (!query->entry.queued)
        return false;
    fair_queue_remove(pool->queue, &query->entry);
    return true;
}

void pool_set_max_rate(struct pool *pool, uint32_t max_rate)
{
    send_rate_set(&pool->rate, max_rate);
    loop_later(pool->loop, &pool->send);
}

unsigned pool_outstanding(const struct pool *pool)
{
    unsigned outstanding = 0;

    for (unsigned i = 0; i < pool->link_count; i++)
        if (pool->links[i].conn)
            outstanding += p0f_conn_outstanding(pool->links[i].conn);
    return outstanding;
}

void pool_status(const struct pool *pool, struct pool_status *status)
{
    status->socket = pool->socket;
    status->dialect = P0F_DIALECT_AUTO;
    status->wanted = pool->common.dialect;
    status->up = status->limit_suspected = false;
    status->queued = fair_queue_length(pool->queue);
    status->outstanding = 0;
    status->max_rate = pool->rate.max;
    status->reconnects = 0;
    status->connections = pool->link_count;
    for (unsigned i = 0; i < pool->link_count; i++) {
        struct link_status *link = &status->links[i];
        *link = link_status(&pool->links[i]);
        status->outstanding += link->outstanding;
        status->reconnects += link->reconnects;
        status->limit_suspected |= link->silent;
        if (link->state == LINK_READY) {
            status->dialect = link->dialect;
            status->up |= link->overdue < OVERDUE_MS;
        }
    }
}

void pool_retire(struct pool *pool, void (*drained)(void *ctx), void *ctx)
{
    pool->common.retiring = true;
    pool->drained = drained;
    pool->drained_ctx = ctx;
    fail_queue(pool, P0F_UNREACHABLE);
    for (unsigned i = 0; i < pool->link_count; i++)
        link_retire(&pool->links[i]);
    report_drained(pool);
}

void pool_free(struct pool *pool)
{
    if (!pool)
        return;
    pool->common.retiring = true; /* no more attempts */
    for (unsigned i = 0; i < pool->link_count; i++)
        link_stop(&pool->links[i]);
    send_rate_stop(&pool->rate);
    pool_log_stop(&pool->log);
    free_memory(pool);
}
