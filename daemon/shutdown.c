/* SPDX-License-Identifier: MIT */
#include "shutdown.h"

#include "core/log.h"
#include "systemd.h"

#include <stdio.h>

#define SHUTDOWN_CHECK_MS 10          /* between two looks at what is still to be done */
#define SHUTDOWN_MAX_MS 5000          /* for clients that are slow to read their answers */
#define SHUTDOWN_REQUESTS_MAX_MS 1000 /* of these, for requests that are not received completely */
#define SHUTDOWN_STATUS_MS 1000       /* between two looks at what it waits for */
#define SHUTDOWN_LOG_FACTOR 4         /* logged after 1, 4, 16... of these */
#define SHUTDOWN_WAIT_SIZE 80

static void on_drained(void *ctx)
{
    struct shutdown *shutdown = ctx;

    loop_stop(shutdown->loop);
}

/* Whether any request is still under way that is given time to finish. */
static bool has_clients(struct shutdown *shutdown)
{
    struct connections *connections = shutdown->modules->connections;
    int64_t left_ms = mono_ms_between(loop_now(shutdown->loop), shutdown->deadline);

    connections_sweep(connections);
    if (left_ms <= 0)
        return false;
    if (modules_relay_connections(shutdown->modules) > 0)
        return true;
    if (left_ms <= SHUTDOWN_MAX_MS - SHUTDOWN_REQUESTS_MAX_MS)
        return connections_answering(connections) > 0;
    return connections_busy(connections);
}

/* Closes the modules that use p0f: requests that still come on open connections are refused. True when
 * none that has begun is left. */
static bool finish_requests(struct shutdown *shutdown)
{
    const struct modules *modules = shutdown->modules;

    lookup_close(modules->lookup);
    status_close(modules->status);
    return lookup_pending(modules->lookup) == 0 && !http_server_needs_loop(modules->http) &&
           readiness_pending(modules->readiness) == 0 && status_pending(modules->status) == 0;
}

static void check_shutdown(void *ctx)
{
    struct shutdown *shutdown = ctx;

    if (!has_clients(shutdown) && finish_requests(shutdown))
        pool_retire(shutdown->modules->pool, on_drained, shutdown);
    else
        loop_arm(shutdown->loop, &shutdown->check,
                 mono_add_ms(loop_now(shutdown->loop), SHUTDOWN_CHECK_MS));
}

/* What the shutdown waits for: clients until their deadline, lookups until theirs, p0f for ever. */
static void describe_wait(struct shutdown *shutdown, char text[SHUTDOWN_WAIT_SIZE])
{
    const struct modules *modules = shutdown->modules;
    unsigned answers = pool_outstanding(modules->pool), requests = 0;

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

static void warn_begun(struct shutdown *shutdown, const char *signal_name)
{
    char wait[SHUTDOWN_WAIT_SIZE];

    describe_wait(shutdown, wait);
    log_warnx("%s again: already shutting down, %s; only SIGKILL is faster, and it can crash p0f "
              "if answers are outstanding",
              signal_name, wait);
}

void shutdown_begin(struct shutdown *shutdown, const char *signal_name)
{
    struct modules *modules = shutdown->modules;
    struct mono now = loop_now(shutdown->loop);

    if (shutdown->begun) {
        warn_begun(shutdown, signal_name);
        return;
    }
    log_info("%s: shutting down", signal_name);
    systemd_notify_stopping(NULL);
    shutdown->begun = true;
    shutdown->check = (struct loop_timer){.fire = check_shutdown, .ctx = shutdown};
    shutdown->status = (struct loop_timer){.fire = tell_shutdown_status, .ctx = shutdown};
    shutdown->deadline = mono_add_ms(now, SHUTDOWN_MAX_MS);
    shutdown->log_ms = SHUTDOWN_STATUS_MS;
    shutdown->log_at = mono_add_ms(now, SHUTDOWN_STATUS_MS);
    loop_arm(shutdown->loop, &shutdown->status, shutdown->log_at);
    server_listeners_stop(shutdown->listeners);
    proxy_gate_close(modules->gate);
    http_server_shut_down(modules->http);
    if (modules->relay)
        relay_shut_down(modules->relay);
    readiness_shut_down(modules->readiness);
    check_shutdown(shutdown);
}
