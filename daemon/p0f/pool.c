/* SPDX-License-Identifier: MIT */
#include "p0f/pool.h"

#include "p0f/link_set.h"
#include "p0f/pool_log.h"
#include "p0f/send_rate.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define OVERDUE_MS 1000 /* p0f answers within its 10 ms round unless it is busy or stopped */
#define HUNG_MS 3000    /* when that is logged */

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
    struct loop_timer hung_timer; /* armed while an answer is outstanding, unless p0f hangs */
    struct mono hung_since;

    struct link_set set; /* of `links` */
    struct link links[];
};

/* ---- Whether p0f hangs */

static void watch_hung(struct pool *pool)
{
    if (loop_armed(&pool->hung_timer) || pool->log.fault == POOL_FAULT_HUNG ||
        pool->common.retiring || link_set_ready_outstanding(&pool->set) == 0)
        return;
    loop_arm(pool->loop, &pool->hung_timer,
             mono_add_ms(loop_now(pool->loop),
                         HUNG_MS - link_set_overdue_ms(&pool->set, loop_now(pool->loop))));
}

static void log_fault(struct pool *pool)
{
    struct pool_status status;
    char reason[POOL_FAULT_SIZE];

    pool_status(pool, &status);
    pool_log_fault(&pool->log, pool_fault_find(&status, reason), reason);
}

static void on_hung_timer(void *ctx)
{
    struct pool *pool = ctx;
    int64_t overdue = link_set_overdue_ms(&pool->set, loop_now(pool->loop));

    if (overdue >= HUNG_MS && !pool->common.retiring) {
        pool->hung_since = mono_add_ms(loop_now(pool->loop), -overdue);
        log_fault(pool);
    }
    watch_hung(pool);
}

static void note_answers(struct pool *pool)
{
    if (pool->log.fault == POOL_FAULT_HUNG &&
        link_set_overdue_ms(&pool->set, loop_now(pool->loop)) < HUNG_MS)
        pool_log_recovered(&pool->log, mono_ms_between(pool->hung_since, loop_now(pool->loop)));
}

/* ---- Sending */

/* The daemon's own query, at most one a second, is exempt from the rate: otherwise p0f would seem not
 * to answer whenever the rate is used up. */
static bool may_send(struct pool *pool)
{
    return send_rate_take(&pool->rate) || fair_queue_is_urgent(pool->queue);
}

static void on_pool_answer(void *ctx, enum p0f_error error, const struct p0f_host *host)
{
    struct pool_query *query = ctx;
    struct pool *pool = query->pool;

    /* An arrival wakes the loop, so the round's time is its time. */
    pool_counts_answer(&pool->common.counts, error, loop_now(pool->loop).ns - query->sent.ns);
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

    while (fair_queue_length(pool->queue) > 0 &&
           (link = link_set_for_query(&pool->set, pool->common.pipeline)) && may_send(pool)) {
        struct pool_query *query = take_query(pool);
        query->sent = now;
        enum p0f_error error = p0f_conn_ask(link->conn, &query->addr, on_pool_answer, query);
        if (error == P0F_OK)
            pool->common.counts.queries++;
        else /* cannot happen on an open link with room */
            query->answer(query->ctx, error, NULL);
    }
    for (unsigned i = 0; i < pool->set.count; i++)
        link_flush(&pool->links[i]);
    watch_hung(pool);
}

static void send_later(void *ctx)
{
    struct pool *pool = ctx;

    loop_later(pool->loop, &pool->send);
}

/* ---- What becomes of the links */

static void report_drained(struct pool *pool)
{
    void (*drained)(void *ctx) = pool->drained;

    if (!pool->common.retiring || !drained || pool_outstanding(pool) > 0 ||
        link_set_any_pending(&pool->set))
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

/* A connection that was given up for what p0f sent, while p0f answers on others, or soon will on it. */
static void log_dropped(struct pool *pool, const struct link_fault *fault)
{
    struct pool_status status;
    char reason[POOL_FAULT_SIZE];

    if (fault->error != P0F_MALFORMED && fault->error != P0F_WRONG_DIALECT)
        return;
    pool_status(pool, &status);
    pool_fault_dropped(&status, fault, reason);
    pool_log_dropped(&pool->log, reason);
}

static void on_lost(struct pool *pool, const struct link *link)
{
    if (link_set_any_ready(&pool->set) || link->recovering)
        log_dropped(pool, &link->fault);
    else if (!pool->common.retiring)
        log_fault(pool);
    if (!link_set_any_may_answer(&pool->set) && !pool->common.retiring)
        fail_queue(pool, P0F_UNREACHABLE);
}

static void on_silent(struct pool *pool)
{
    struct pool_status status;
    char reason[POOL_FAULT_SIZE];

    if (!link_set_any_ready(&pool->set)) {
        log_fault(pool);
        return;
    }
    pool_status(pool, &status);
    pool_fault_unserved(&status, reason);
    pool_log_unserved(&pool->log, reason);
}

static void on_link_ready(struct pool *pool, const struct link *link)
{
    bool first = true, silent = false;

    if (pool->common.retiring)
        return;
    for (unsigned i = 0; i < pool->set.count; i++) {
        const struct link *other = &pool->links[i];
        first = first && (other == link || other->state != LINK_READY);
        silent = silent || other->silent;
    }
    pool_log_ready(&pool->log, p0f_conn_dialect(link->conn), first, silent);
}

static void on_link_event(void *ctx, struct link *link, enum link_event event)
{
    struct pool *pool = ctx;

    switch (event) {
    case LINK_EVENT_CONNECTED: /* its probes are sent even without a query */
        loop_later(pool->loop, &pool->send);
        break;
    case LINK_EVENT_PROGRESS:
        note_answers(pool);
        break;
    case LINK_EVENT_READY:
        note_answers(pool);
        on_link_ready(pool, link);
        break;
    case LINK_EVENT_SILENT:
        on_silent(pool);
        break;
    case LINK_EVENT_LOST:
        on_lost(pool, link);
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
    pool_log_start(&pool->log, loop, pool->socket, options->told, options->ctx);
    pool->hung_timer = (struct loop_timer){.fire = on_hung_timer, .ctx = pool};
    pool->send = (struct loop_chore){.run = send_queued, .ctx = pool};
    send_rate_start(&pool->rate, loop, send_later, pool);
    pool->set = (struct link_set){pool->links, options->connections};
    pool_set_max_rate(pool, options->max_rate);
    for (unsigned i = 0; i < pool->set.count; i++) /* a failing one reports on the others, too */
        pool->links[i].common = &pool->common;
    for (unsigned i = 0; i < pool->set.count; i++)
        link_start(&pool->links[i], &pool->common);
    return pool;
}

enum p0f_error pool_ask(struct pool *pool, struct pool_query *query)
{
    if (pool->common.retiring || !link_set_any_may_answer(&pool->set))
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
    return link_set_outstanding(&pool->set);
}

int64_t pool_overdue_ms(const struct pool *pool)
{
    struct mono now = loop_now(pool->loop);

    return link_set_any_ready(&pool->set) ? link_set_overdue_ms(&pool->set, now)
                                          : link_set_unserved_ms(&pool->set, now);
}

unsigned pool_connections(const struct pool *pool)
{
    return link_set_open(&pool->set);
}

void pool_status(const struct pool *pool, struct pool_status *status)
{
    status->socket = pool->socket;
    status->wanted = pool->common.dialect;
    status->overdue = link_set_overdue_ms(&pool->set, loop_now(pool->loop));
    status->up = link_set_any_ready(&pool->set) && status->overdue < OVERDUE_MS;
    status->queued = fair_queue_length(pool->queue);
    status->max_rate = pool->rate.max;
    status->counts = pool->common.counts;
    link_set_status(&pool->set, status);
    strcpy(status->unreachable, pool->common.unreachable);
}

void pool_retire(struct pool *pool, void (*drained)(void *ctx), void *ctx)
{
    pool->common.retiring = true;
    pool->drained = drained;
    pool->drained_ctx = ctx;
    fail_queue(pool, P0F_UNREACHABLE);
    for (unsigned i = 0; i < pool->set.count; i++)
        link_retire(&pool->links[i]);
    report_drained(pool);
}

unsigned pool_give_up(struct pool *pool, struct p0f_conn *conns[POOL_MAX])
{
    unsigned count = 0;

    pool->common.retiring = true;
    fail_queue(pool, P0F_UNREACHABLE);
    for (unsigned i = 0; i < pool->set.count; i++) {
        struct p0f_conn *conn = link_give_up(&pool->links[i]);
        if (!p0f_conn_free(conn))
            conns[count++] = conn;
    }
    report_drained(pool);
    return count;
}

void pool_free(struct pool *pool)
{
    if (!pool)
        return;
    pool->common.retiring = true; /* no more attempts */
    for (unsigned i = 0; i < pool->set.count; i++)
        link_stop(&pool->links[i]);
    send_rate_stop(&pool->rate);
    loop_disarm(pool->loop, &pool->hung_timer);
    pool_log_stop(&pool->log);
    free_memory(pool);
}
