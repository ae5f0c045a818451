/* SPDX-License-Identifier: MIT */
#include "shutdown.h"

#include "core/log.h"
#include "p0f/drain_process.h"
#include "systemd.h"

#include <malloc.h>
#include <stdio.h>

#define SHUTDOWN_CHECK_MS 10  /* before each look at what is left; time to connect, at first */
#define SHUTDOWN_GRACE_MS 100 /* for a request that is about to arrive on an open connection */
#define SHUTDOWN_MAX_MS 5000  /* for clients that are slow to read their answers */
#define SHUTDOWN_REQUESTS_MAX_MS 1000 /* of these, for requests that are not received completely */
#define SHUTDOWN_P0F_MAX_MS 20000     /* for p0f; before the TimeoutStopSec= of the unit */
#define SHUTDOWN_REPEAT_MS 1000       /* a second signal before that may be the same, sent twice */
#define SHUTDOWN_STATUS_MS 1000       /* between two looks at what it waits for */
#define SHUTDOWN_LOG_FACTOR 4         /* logged after 1, 4, 16... of these */
#define SHUTDOWN_WAIT_SIZE 80

static void on_drained(void *ctx)
{
    struct shutdown *shutdown = ctx;

    loop_stop(shutdown->loop);
}

/* Whether a request is still under way that is given time to finish: for a moment, one that may be about to
 * arrive; for a second, one of which a part has arrived; then those that are being answered. */
static bool has_clients(struct shutdown *shutdown)
{
    const struct modules *modules = shutdown->modules;
    struct mono now = loop_now(shutdown->loop);
    int64_t left_ms = mono_ms_between(now, shutdown->deadline);

    connections_sweep(modules->connections);
    if (!mono_before(now, shutdown->grace_until))
        http_server_close_idle(modules->http);
    if (left_ms <= 0)
        return false;
    if (modules_relay_connections(modules) > 0)
        return true;
    if (left_ms <= SHUTDOWN_MAX_MS - SHUTDOWN_REQUESTS_MAX_MS)
        return connections_answering(modules->connections) > 0;
    return proxy_gate_count(modules->gate) + proxy_gate_count(modules->tls_gate) > 0 ||
           connections_count(modules->connections) > 0;
}

/* Closes the modules that use p0f: requests that still come on open connections are refused. True when
 * none that has begun is left. */
static bool finish_requests(struct shutdown *shutdown)
{
    const struct modules *modules = shutdown->modules;

    proxy_gate_close(modules->gate);
    proxy_gate_close(modules->tls_gate);
    lookup_close(modules->lookup);
    status_close(modules->status);
    return lookup_pending(modules->lookup) == 0 && !http_server_needs_loop(modules->http) &&
           readiness_pending(modules->readiness) == 0 && status_pending(modules->status) == 0;
}

static void check_shutdown(void *ctx)
{
    struct shutdown *shutdown = ctx;

    server_listeners_stop(shutdown->listeners);
    if (!has_clients(shutdown) && finish_requests(shutdown))
        sensors_retire(shutdown->modules->sensors, on_drained, shutdown);
    else
        loop_arm(shutdown->loop, &shutdown->check,
                 mono_add_ms(loop_now(shutdown->loop), SHUTDOWN_CHECK_MS));
}

/* What the shutdown waits for: clients until their deadline, lookups until theirs, p0f until it gives up. */
static void describe_wait(struct shutdown *shutdown, char text[SHUTDOWN_WAIT_SIZE])
{
    const struct modules *modules = shutdown->modules;
    unsigned answers = sensors_outstanding(modules->sensors), requests = 0;

    if (mono_before(loop_now(shutdown->loop), shutdown->deadline) ||
        lookup_pending(modules->lookup) > 0)
        requests = connections_answering(modules->connections) + modules_relay_connections(modules);
    snprintf(text, SHUTDOWN_WAIT_SIZE, "waiting for %u answer%s from p0f, %u request%s in progress",
             answers, answers == 1 ? "" : "s", requests, requests == 1 ? "" : "s");
}

static void tell_shutdown_status(void *ctx)
{
    struct shutdown *shutdown = ctx;
    struct mono now = loop_now(shutdown->loop);
    char wait[SHUTDOWN_WAIT_SIZE];

    describe_wait(shutdown, wait);
    systemd_notify_stopping(wait);
    if (!mono_before(now, shutdown->log_at)) {
        log_warnx("still shutting down after %lld s: %s", (long long)(shutdown->log_ms / 1000),
                  wait);
        shutdown->log_at = mono_add_ms(now, shutdown->log_ms * (SHUTDOWN_LOG_FACTOR - 1));
        shutdown->log_ms *= SHUTDOWN_LOG_FACTOR;
    }
    loop_arm(shutdown->loop, &shutdown->status, mono_add_ms(now, SHUTDOWN_STATUS_MS));
}

/* ---- Giving up */

/* Its lookups fail, so the requests under way are answered, and then the shutdown goes on. */
static void give_up(struct shutdown *shutdown, const char *when)
{
    struct mono now = loop_now(shutdown->loop);
    char wait[SHUTDOWN_WAIT_SIZE];

    describe_wait(shutdown, wait);
    log_warnx("%s: giving up %s", when, wait);
    shutdown->gave_up = true;
    loop_disarm(shutdown->loop, &shutdown->patience);
    shutdown->deadline = mono_earlier(shutdown->deadline, now);
    shutdown->answers = sensors_outstanding(shutdown->modules->sensors);
    shutdown->left = sensors_give_up(shutdown->modules->sensors, shutdown->conns);
}

static void on_impatience(void *ctx)
{
    char when[SHUTDOWN_WAIT_SIZE];

    snprintf(when, sizeof when, "shutting down for %d s", SHUTDOWN_P0F_MAX_MS / 1000);
    give_up(ctx, when);
}

static void shutdown_again(struct shutdown *shutdown, const char *signal_name)
{
    char text[SHUTDOWN_WAIT_SIZE];

    if (!shutdown->gave_up && !mono_before(loop_now(shutdown->loop), shutdown->repeat_from)) {
        snprintf(text, sizeof text, "%s again", signal_name);
        give_up(shutdown, text);
        return;
    }
    describe_wait(shutdown, text);
    log_warnx("%s again: already shutting down, %s", signal_name, text);
}

void shutdown_leave(struct shutdown *shutdown)
{
    if (shutdown->left == 0)
        return;
    malloc_trim(0); /* for the child, which lives on with what we have */
    pid_t child = drain_process_start(shutdown->conns, shutdown->left);
    if (child > 0) {
        log_warnx("process %d (" DRAIN_PROCESS_NAME
                  ") stays to receive %u answer%s from p0f, which "
                  "can crash otherwise; it exits when p0f has answered or is restarted",
                  (int)child, shutdown->answers, shutdown->answers == 1 ? "" : "s");
        return;
    }
    log_warn(
        "cannot leave a process to receive %u answer%s from p0f, so this one waits, until it is "
        "killed, which can crash p0f",
        shutdown->answers, shutdown->answers == 1 ? "" : "s");
    drain_process_wait(shutdown->conns, shutdown->left);
}

/* ---- Beginning */

void shutdown_begin(struct shutdown *shutdown, const char *signal_name)
{
    struct modules *modules = shutdown->modules;
    struct mono now = loop_now(shutdown->loop);

    if (shutdown->begun) {
        shutdown_again(shutdown, signal_name);
        return;
    }
    log_info("%s: shutting down", signal_name);
    systemd_notify_stopping(NULL);
    shutdown->begun = true;
    shutdown->check = (struct loop_timer){.fire = check_shutdown, .ctx = shutdown};
    shutdown->status = (struct loop_timer){.fire = tell_shutdown_status, .ctx = shutdown};
    shutdown->patience = (struct loop_timer){.fire = on_impatience, .ctx = shutdown};
    shutdown->grace_until = mono_add_ms(now, SHUTDOWN_GRACE_MS);
    shutdown->repeat_from = mono_add_ms(now, SHUTDOWN_REPEAT_MS);
    shutdown->deadline = mono_add_ms(now, SHUTDOWN_MAX_MS);
    shutdown->log_ms = SHUTDOWN_STATUS_MS;
    shutdown->log_at = mono_add_ms(now, SHUTDOWN_STATUS_MS);
    loop_arm(shutdown->loop, &shutdown->status, shutdown->log_at);
    loop_arm(shutdown->loop, &shutdown->patience, mono_add_ms(now, SHUTDOWN_P0F_MAX_MS));
    http_server_shut_down(modules->http);
    server_listeners_seal(shutdown->listeners);
    if (modules->relay)
        relay_shut_down(modules->relay);
    readiness_shut_down(modules->readiness);
    loop_arm(shutdown->loop, &shutdown->check, mono_add_ms(now, SHUTDOWN_CHECK_MS));
}
