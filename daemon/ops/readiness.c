/* SPDX-License-Identifier: MIT */
#include "ops/readiness.h"

#include "p0f/pool_fault.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RESULT_KEPT_MS 1000 /* p0f is not probed more often */
#define SHUTTING_DOWN "p0f-lookupd is shutting down"

/* Of one sensor. */
struct probe {
    struct readiness *readiness;
    const char *name;
    struct pool *pool;
    struct pool_query query;
    bool asked;                 /* the query is queued or outstanding */
    bool retried;               /* after a connection broke under it */
    struct mono asked_at;       /* when it was asked */
    struct loop_timer deadline; /* armed until p0f answers or the time is over */

    bool known; /* there is a result */
    struct mono known_since;
    bool ready;
    char reason[POOL_FAULT_SIZE]; /* why not */
};

struct readiness {
    struct loop *loop;
    int64_t timeout;
    bool any;
    _Atomic uint32_t pending;
    _Atomic bool shutting_down;
    SLIST_HEAD(, readiness_request) waiting;
    unsigned count;
    struct probe probes[];
};

/* ---- Of one sensor */

static bool has_fault(const struct probe *probe, char reason[POOL_FAULT_SIZE])
{
    struct pool_status status;

    pool_status(probe->pool, &status);
    return pool_fault_find(&status, reason) != POOL_FAULT_NONE;
}

static bool is_awaited(const struct probe *probe)
{
    return loop_armed(&probe->deadline);
}

static bool is_overdue(const struct probe *probe)
{
    return probe->asked && !is_awaited(probe);
}

static bool is_fresh(const struct probe *probe)
{
    struct mono good_until = mono_add_ms(probe->known_since, RESULT_KEPT_MS);

    return probe->known && mono_before(loop_now(probe->readiness->loop), good_until);
}

static void say_overdue(const struct probe *probe, char reason[POOL_FAULT_SIZE])
{
    struct mono now = loop_now(probe->readiness->loop);

    snprintf(reason, POOL_FAULT_SIZE, "p0f did not answer within %lld ms",
             (long long)mono_ms_between(probe->asked_at, now));
}

/* Of a sensor that is not awaited: whether it answers. False with the reason. */
static bool probe_answers(const struct probe *probe, char reason[POOL_FAULT_SIZE])
{
    if (has_fault(probe, reason))
        return false;
    if (is_overdue(probe)) {
        say_overdue(probe, reason);
        return false;
    }
    strcpy(reason, probe->reason);
    return probe->ready;
}

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

static bool any_awaited(const struct readiness *readiness)
{
    for (unsigned i = 0; i < readiness->count; i++)
        if (is_awaited(&readiness->probes[i]))
            return true;
    return false;
}

/* Each sensor has an equal share of the space, so that all of them are named. */
static void add_reason(const struct readiness *readiness, const struct probe *probe,
                       const char *why, char reason[READINESS_REASON_SIZE])
{
    const int room = READINESS_REASON_SIZE / (int)readiness->count;
    size_t used = strlen(reason);
    char *part = reason + used, *end;

    if (snprintf(part, (size_t)room, "%s%s%s%s", used > 0 ? "; " : "", probe->name,
                 probe->name[0] ? ": " : "", why) < room)
        return;
    end = part + room - sizeof "...";
    while ((*end & 0xc0) == 0x80) /* not in the middle of a character */
        end--;
    strcpy(end, "...");
}

static bool evaluate(const struct readiness *readiness, char reason[READINESS_REASON_SIZE])
{
    unsigned answering = 0;

    reason[0] = '\0';
    for (unsigned i = 0; i < readiness->count; i++) {
        char why[POOL_FAULT_SIZE];
        if (probe_answers(&readiness->probes[i], why))
            answering++;
        else
            add_reason(readiness, &readiness->probes[i], why, reason);
    }
    return readiness->any ? answering > 0 : answering == readiness->count;
}

/* After the result of a sensor, which may be the last one. */
static void finish_if_complete(struct readiness *readiness)
{
    char reason[READINESS_REASON_SIZE];

    if (SLIST_EMPTY(&readiness->waiting) || any_awaited(readiness))
        return;
    bool ready = evaluate(readiness, reason);
    finish_waiting(readiness, ready, reason);
}

static void end_probe(struct probe *probe, bool ready)
{
    struct readiness *readiness = probe->readiness;

    probe->known = true;
    probe->known_since = loop_now(readiness->loop);
    probe->ready = ready;
    loop_disarm(readiness->loop, &probe->deadline);
}

/* ---- The query */

/* One broken connection is not yet a broken p0f: asks once more, on another one. */
static bool ask_again(struct probe *probe)
{
    if (probe->retried || SLIST_EMPTY(&probe->readiness->waiting))
        return false;
    probe->retried = true;
    probe->asked = pool_ask(probe->pool, &probe->query) == P0F_OK;
    return probe->asked;
}

static void take_answer(struct probe *probe, enum p0f_error error)
{
    struct pool_status status;

    probe->asked = false;
    probe->reason[0] = '\0';
    if (error == P0F_OK || error == P0F_NO_MATCH) {
        end_probe(probe, true);
        return;
    }
    if (error != P0F_BAD_QUERY && ask_again(probe))
        return;
    pool_status(probe->pool, &status);
    if (!pool_fault_find(&status, probe->reason))
        snprintf(probe->reason, sizeof probe->reason, "%s: %s", status.socket, p0f_strerror(error));
    end_probe(probe, false);
}

static void on_probe_answer(void *ctx, enum p0f_error error, const struct p0f_host *host)
{
    struct probe *probe = ctx;

    (void)host;
    take_answer(probe, error);
    finish_if_complete(probe->readiness);
}

/* A query that was sent stays outstanding, and its answer is taken whenever it comes. */
static void on_probe_deadline(void *ctx)
{
    struct probe *probe = ctx;
    struct pool_status status;

    if (pool_cancel(probe->pool, &probe->query)) {
        probe->asked = false;
        pool_status(probe->pool, &status);
        snprintf(probe->reason, sizeof probe->reason,
                 "no query could be sent to p0f within %lld ms; %u others are queued",
                 (long long)probe->readiness->timeout, status.queued);
        end_probe(probe, false);
    }
    finish_if_complete(probe->readiness);
}

static void send_probe(struct probe *probe)
{
    struct readiness *readiness = probe->readiness;
    struct mono now = loop_now(readiness->loop);

    probe->asked_at = now;
    probe->retried = false;
    loop_arm(readiness->loop, &probe->deadline, mono_add_ms(now, readiness->timeout));
    enum p0f_error error = pool_ask(probe->pool, &probe->query);
    if (error == P0F_OK)
        probe->asked = true;
    else
        take_answer(probe, error);
}

/* ---- Requests */

/* Probes a sensor if needed. Whether to wait for its result. */
static bool begin_probe(struct probe *probe)
{
    char reason[POOL_FAULT_SIZE];

    if (has_fault(probe, reason))
        return false;
    if (!probe->asked && !is_fresh(probe))
        send_probe(probe);
    return is_awaited(probe);
}

static void on_request(void *ctx)
{
    struct readiness_request *request = ctx;
    struct readiness *readiness = request->readiness;
    char reason[READINESS_REASON_SIZE];
    bool must_wait = false;

    if (readiness->shutting_down) {
        finish_readiness(request, false, SHUTTING_DOWN);
        return;
    }
    for (unsigned i = 0; i < readiness->count; i++)
        must_wait |= begin_probe(&readiness->probes[i]);
    if (must_wait)
        SLIST_INSERT_HEAD(&readiness->waiting, request, link);
    else
        finish_readiness(request, evaluate(readiness, reason), reason);
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
    const unsigned count = sensors_count(sensors);
    struct readiness *readiness = calloc(1, sizeof *readiness + count * sizeof(struct probe));

    if (!readiness)
        return NULL;
    readiness->loop = loop;
    readiness->count = count;
    for (unsigned i = 0; i < count; i++) {
        struct probe *probe = &readiness->probes[i];
        *probe = (struct probe){
            .readiness = readiness,
            .name = sensors_name(sensors, i),
            .pool = sensors_pool(sensors, i),
            .query = {.addr = {.type = 4}, /* 0.0.0.0 is no host */
                      .flow = FLOW_DAEMON,
                      .answer = on_probe_answer,
                      .ctx = probe},
            .deadline = {.fire = on_probe_deadline, .ctx = probe},
        };
    }
    readiness_set_timeout(readiness, timeout);
    return readiness;
}

void readiness_set_timeout(struct readiness *readiness, int64_t timeout)
{
    readiness->timeout = timeout < READINESS_TIMEOUT_MAX ? timeout : READINESS_TIMEOUT_MAX;
}

void readiness_set_any(struct readiness *readiness, bool any)
{
    readiness->any = any;
}

void readiness_free(struct readiness *readiness)
{
    if (!readiness)
        return;
    for (unsigned i = 0; i < readiness->count; i++)
        loop_disarm(readiness->loop, &readiness->probes[i].deadline);
    free(readiness);
}
