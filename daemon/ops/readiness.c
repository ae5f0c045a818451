/* SPDX-License-Identifier: MIT */
#include "ops/readiness.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define RESULT_KEPT_MS 1000 /* p0f is not probed more often */
#define SHUTTING_DOWN "p0f-lookupd is shutting down"

struct readiness {
    struct loop *loop;
    struct pool *pool;
    int64_t timeout;
    _Atomic uint32_t pending;
    _Atomic bool shutting_down;

    struct pool_query query;
    bool asked;                 /* the query is queued or outstanding */
    bool retried;               /* after a connection broke under it */
    struct mono asked_at;       /* when it was asked */
    struct loop_timer deadline; /* armed until p0f has answered or the waiting requests are done */
    SLIST_HEAD(, readiness_request) waiting;

    bool known; /* there is a result */
    struct mono known_since;
    bool ready;
    char reason[POOL_FAULT_SIZE]; /* why not */
};

/* ---- Results */

static void finish_readiness(struct readiness_request *request, bool ready, const char *reason)
{
    struct readiness *readiness = request->readiness;

    request->ready = ready;
    snprintf(request->reason, sizeof request->reason, "%s", reason);
    request->done(request); /* not ours any more */
    atomic_fetch_sub(&readiness->pending, 1);
}

static void finish_waiting(struct readiness *readiness, bool ready, const char *reason)
{
    struct readiness_request *request;

    while ((request = SLIST_FIRST(&readiness->waiting))) {
        SLIST_REMOVE_HEAD(&readiness->waiting, link);
        finish_readiness(request, ready, reason);
    }
}

static void end_probe(struct readiness *readiness, bool ready)
{
    readiness->known = true;
    readiness->known_since = loop_now(readiness->loop);
    readiness->ready = ready;
    loop_disarm(readiness->loop, &readiness->deadline);
    finish_waiting(readiness, ready, readiness->reason);
}

static void say_overdue(const struct readiness *readiness, char reason[POOL_FAULT_SIZE])
{
    struct mono now = loop_now(readiness->loop);

    snprintf(reason, POOL_FAULT_SIZE, "p0f did not answer within %lld ms",
             (long long)mono_ms_between(readiness->asked_at, now));
}

/* ---- The query */

/* One broken connection is not yet a broken p0f: asks once more, on another one. */
static bool ask_again(struct readiness *readiness)
{
    if (readiness->retried || SLIST_EMPTY(&readiness->waiting))
        return false;
    readiness->retried = true;
    readiness->asked = pool_ask(readiness->pool, &readiness->query) == P0F_OK;
    return readiness->asked;
}

static void on_probe_answer(void *ctx, enum p0f_error error, const struct p0f_host *host)
{
    struct readiness *readiness = ctx;
    struct pool_status status;

    (void)host;
    readiness->asked = false;
    readiness->reason[0] = '\0';
    if (error == P0F_OK || error == P0F_NO_MATCH) {
        end_probe(readiness, true);
        return;
    }
    if (error != P0F_BAD_QUERY && ask_again(readiness))
        return;
    pool_status(readiness->pool, &status);
    if (!pool_fault_find(&status, readiness->reason))
        snprintf(readiness->reason, sizeof readiness->reason, "%s: %s", status.socket,
                 p0f_strerror(error));
    end_probe(readiness, false);
}

/* A query that was sent stays outstanding, and its answer is taken whenever it comes. */
static void on_probe_deadline(void *ctx)
{
    struct readiness *readiness = ctx;
    struct pool_status status;

    if (!pool_cancel(readiness->pool, &readiness->query)) {
        say_overdue(readiness, readiness->reason);
        finish_waiting(readiness, false, readiness->reason);
        return;
    }
    readiness->asked = false;
    pool_status(readiness->pool, &status);
    snprintf(readiness->reason, sizeof readiness->reason,
             "no query could be sent to p0f within %lld ms; %u others are queued",
             (long long)readiness->timeout, status.queued);
    end_probe(readiness, false);
}

static void send_probe(struct readiness *readiness)
{
    struct mono now = loop_now(readiness->loop);

    readiness->asked_at = now;
    readiness->retried = false;
    loop_arm(readiness->loop, &readiness->deadline, mono_add_ms(now, readiness->timeout));
    enum p0f_error error = pool_ask(readiness->pool, &readiness->query);
    if (error == P0F_OK)
        readiness->asked = true;
    else
        on_probe_answer(readiness, error, NULL);
}

/* ---- Requests */

static void on_request(void *ctx)
{
    struct readiness_request *request = ctx;
    struct readiness *readiness = request->readiness;
    struct mono good_until = mono_add_ms(readiness->known_since, RESULT_KEPT_MS);
    struct pool_status status;
    char reason[POOL_FAULT_SIZE];

    pool_status(readiness->pool, &status);
    if (readiness->shutting_down) {
        finish_readiness(request, false, SHUTTING_DOWN);
    } else if (pool_fault_find(&status, reason)) {
        finish_readiness(request, false, reason);
    } else if (readiness->asked && !loop_armed(&readiness->deadline)) {
        say_overdue(readiness, reason);
        finish_readiness(request, false, reason);
    } else if (readiness->known && mono_before(loop_now(readiness->loop), good_until)) {
        finish_readiness(request, readiness->ready, readiness->reason);
    } else {
        SLIST_INSERT_HEAD(&readiness->waiting, request, link);
        if (!readiness->asked)
            send_probe(readiness);
    }
}

void readiness_ask(struct readiness *readiness, struct readiness_request *request)
{
    request->readiness = readiness;
    request->task = (struct loop_task){.run = on_request, .ctx = request};
    atomic_fetch_add(&readiness->pending,
                     1); /* before `shutting_down` is read: see readiness_pending() */
    if (readiness->shutting_down)
        finish_readiness(request, false, SHUTTING_DOWN);
    else
        loop_post(readiness->loop, &request->task);
}

void readiness_shut_down(struct readiness *readiness)
{
    readiness->shutting_down = true;
    finish_waiting(readiness, false, SHUTTING_DOWN);
}

uint32_t readiness_pending(const struct readiness *readiness)
{
    return readiness->pending;
}

/* ---- The whole */

struct readiness *readiness_new(struct loop *loop, struct sensors *sensors, int64_t timeout)
{
    struct readiness *readiness = calloc(1, sizeof *readiness);

    if (!readiness)
        return NULL;
    readiness->loop = loop;
    readiness->pool = sensors_pool(sensors, 0);
    readiness->query = (struct pool_query){.addr = {.type = 4}, /* 0.0.0.0 is no host */
                                           .flow = FLOW_DAEMON,
                                           .answer = on_probe_answer,
                                           .ctx = readiness};
    readiness->deadline = (struct loop_timer){.fire = on_probe_deadline, .ctx = readiness};
    readiness_set_timeout(readiness, timeout);
    return readiness;
}

void readiness_set_timeout(struct readiness *readiness, int64_t timeout)
{
    readiness->timeout = timeout < READINESS_TIMEOUT_MAX ? timeout : READINESS_TIMEOUT_MAX;
}

void readiness_free(struct readiness *readiness)
{
    if (!readiness)
        return;
    loop_disarm(readiness->loop, &readiness->deadline);
    free(readiness);
}
