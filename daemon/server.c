/* SPDX-License-Identifier: MIT */
#include "server.h"

#include "config/config_listen.h"
#include "core/log.h"
#include "modules.h"
#include "signals.h"
#include "systemd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define SHUTDOWN_CHECK_MS 10          /* between two looks at what is still to be done */
#define SHUTDOWN_MAX_MS 5000          /* for clients that are slow to read their answers */
#define SHUTDOWN_REQUESTS_MAX_MS 1000 /* of these, for requests that are not received completely */
#define SHUTDOWN_STATUS_MS 1000       /* between two looks at what it waits for */
#define SHUTDOWN_LOG_FACTOR 4         /* logged after 1, 4, 16... of these */
#define SHUTDOWN_WAIT_SIZE 80
#define REFUSED_LOG_MS 60000 /* between two messages about refused connections */

struct server {
    struct config *config;
    const struct config_source *source;
    struct loop *loop;
    struct modules modules;
    struct listeners *listeners;
    struct listeners *relay_listeners; /* NULL: no relay */
    struct signals signals;
    bool shutting_down;
    struct loop_timer shutdown_check;  /* armed until all requests are finished */
    struct loop_timer shutdown_status; /* armed while shutting down */
    struct mono shutdown_deadline;     /* for clients, not for p0f */
    struct mono shutdown_log_at;
    int64_t shutdown_log_ms; /* from the beginning to shutdown_log_at */
    struct mono http_refused_logged, relay_refused_logged; /* not again before */
};

/* ---- SIGHUP */

static void warn_restart_needed(void *ctx, const struct config_change *change)
{
    (void)ctx;
    log_warnx("%s%s.%s = %s needs a restart; %s stays in force", change->prefix, change->section,
              change->key, change->waiting, change->in_force);
}

/* The addresses must be good for the next start, except that names and the group are not looked up here:
 * that could take long. */
static struct config *load_fresh(const struct config_source *source, char error[CONFIG_ERROR_SIZE])
{
    struct config *fresh = config_load(source, error);

    if (!fresh || config_listen_check(fresh, false, error))
        return fresh;
    config_free(fresh);
    return NULL;
}

static void fail_reload(struct server *server, const char *error)
{
    log_errx("%s; the old settings stay in force", error);
    status_reload_failed(server->modules.status, error);
    systemd_notify_ready(error);
}

static void reload(struct server *server)
{
    char error[CONFIG_ERROR_SIZE];

    systemd_notify_reloading();
    struct config *fresh = load_fresh(server->source, error);
    if (!fresh) {
        fail_reload(server, error);
        return;
    }
    config_restart_needed(server->config, fresh, warn_restart_needed, NULL);
    config_adopt(server->config, fresh); /* limits still follow from what needs a restart */
    if (!modules_apply(&server->modules, server->config, fresh))
        log_warnx("out of memory: the new settings are in force, but /status shows the old ones");
    config_free(fresh);
    status_reloaded(server->modules.status, clock_wall());
    log_info("settings reloaded");
    systemd_notify_ready(NULL);
}

/* ---- Shutting down: no new connections; then no new lookups; then no answers outstanding from p0f */

static void on_drained(void *ctx)
{
    struct server *server = ctx;

    loop_stop(server->loop);
}

/* Whether any request is still under way that is given time to finish. */
static bool has_clients(struct server *server)
{
    struct connections *connections = server->modules.connections;
    int64_t left_ms = mono_ms_between(loop_now(server->loop), server->shutdown_deadline);

    connections_sweep(connections);
    if (left_ms <= 0)
        return false;
    if (modules_relay_connections(&server->modules) > 0)
        return true;
    if (left_ms <= SHUTDOWN_MAX_MS - SHUTDOWN_REQUESTS_MAX_MS)
        return connections_answering(connections) > 0;
    return connections_busy(connections);
}

/* Closes the modules that use p0f: requests that still come on open connections are refused. True when
 * none that has begun is left. */
static bool finish_requests(struct server *server)
{
    const struct modules *modules = &server->modules;

    lookup_close(modules->lookup);
    status_close(modules->status);
    return lookup_pending(modules->lookup) == 0 && !http_server_needs_loop(modules->http) &&
           readiness_pending(modules->readiness) == 0 && status_pending(modules->status) == 0;
}

static void check_shutdown(void *ctx)
{
    struct server *server = ctx;

    if (!has_clients(server) && finish_requests(server))
        pool_retire(server->modules.pool, on_drained, server);
    else
        loop_arm(server->loop, &server->shutdown_check,
                 mono_add_ms(loop_now(server->loop), SHUTDOWN_CHECK_MS));
}

/* What the shutdown waits for: clients until their deadline, lookups until theirs, p0f for ever. */
static void describe_wait(struct server *server, char text[SHUTDOWN_WAIT_SIZE])
{
    const struct modules *modules = &server->modules;
    unsigned answers = pool_outstanding(modules->pool), requests = 0;

    if (mono_before(loop_now(server->loop), server->shutdown_deadline) ||
        lookup_pending(modules->lookup) > 0)
        requests = connections_answering(modules->connections) + modules_relay_connections(modules);
    snprintf(text, SHUTDOWN_WAIT_SIZE, "waiting for %u answer%s from p0f, %u request%s in progress",
             answers, answers == 1 ? "" : "s", requests, requests == 1 ? "" : "s");
}

static void tell_shutdown_status(void *ctx)
{
    struct server *server = ctx;
    struct mono now = loop_now(server->loop);
    char wait[SHUTDOWN_WAIT_SIZE];

    describe_wait(server, wait);
    systemd_notify_stopping(wait);
    if (!mono_before(now, server->shutdown_log_at)) {
        log_warnx("still shutting down after %lld s: %s",
                  (long long)(server->shutdown_log_ms / 1000), wait);
        server->shutdown_log_at =
            mono_add_ms(now, server->shutdown_log_ms * (SHUTDOWN_LOG_FACTOR - 1));
        server->shutdown_log_ms *= SHUTDOWN_LOG_FACTOR;
    }
    loop_arm(server->loop, &server->shutdown_status, mono_add_ms(now, SHUTDOWN_STATUS_MS));
}

static void shut_down(struct server *server, const char *signal_name)
{
    struct mono now = loop_now(server->loop);
    char wait[SHUTDOWN_WAIT_SIZE];

    if (server->shutting_down) {
        describe_wait(server, wait);
        log_warnx(
            "%s again: already shutting down, %s; only SIGKILL is faster, and it can crash p0f "
            "if answers are outstanding",
            signal_name, wait);
        return;
    }
    log_info("%s: shutting down", signal_name);
    systemd_notify_stopping(NULL);
    server->shutting_down = true;
    server->shutdown_deadline = mono_add_ms(now, SHUTDOWN_MAX_MS);
    server->shutdown_log_ms = SHUTDOWN_STATUS_MS;
    server->shutdown_log_at = mono_add_ms(now, SHUTDOWN_STATUS_MS);
    loop_arm(server->loop, &server->shutdown_status, server->shutdown_log_at);
    listeners_stop(server->listeners);
    proxy_gate_close(server->modules.gate);
    http_server_shut_down(server->modules.http);
    if (server->modules.relay) {
        listeners_stop(server->relay_listeners);
        relay_shut_down(server->modules.relay);
    }
    readiness_shut_down(server->modules.readiness);
    check_shutdown(server);
}

static void on_signal(void *ctx, enum signals_order order, const char *name)
{
    struct server *server = ctx;

    if (order == SIGNALS_SHUT_DOWN)
        shut_down(server, name);
    else if (server->shutting_down)
        log_warnx("%s ignored: shutting down", name);
    else
        reload(server);
}

static void on_p0f_told(void *ctx, const char *fault)
{
    const struct server *server = ctx;

    if (!server->shutting_down)
        systemd_notify_p0f(fault);
}

/* ---- Starting */

static void log_full(const struct server *server, struct mono *logged, const char *setting,
                     uint32_t max)
{
    struct mono now = loop_now(server->loop);

    if (mono_before(now, *logged))
        return;
    log_warnx("refusing connections: %s (%u) reached", setting, max);
    *logged = mono_add_ms(now, REFUSED_LOG_MS);
}

static void serve_client(void *ctx, int fd, const struct sockaddr *peer, socklen_t length)
{
    struct server *server = ctx;

    if (!http_server_take(server->modules.http, fd, peer, length))
        log_full(server, &server->http_refused_logged, "http.max_connections",
                 server->config->http.max_connections);
}

static void on_relay_accept(void *ctx, int fd, const struct sockaddr *peer, socklen_t length)
{
    struct server *server = ctx;

    (void)peer;
    (void)length;
    if (!relay_take(server->modules.relay, fd) && errno == EAGAIN)
        log_full(server, &server->relay_refused_logged, "relay.max_connections",
                 server->config->relay.max_connections);
}

/* NULL after it has logged why. */
static struct listeners *open_each(const struct config *config,
                                   const struct listeners_options *options)
{
    char error[LISTENERS_ERROR_SIZE], prefix[CONFIG_ORIGIN_SIZE];
    struct listeners *listeners = listeners_parse(options, error);

    if (listeners && listeners_open(listeners, error))
        return listeners;
    log_errx("cannot start: %s%s: %s", config_prefix(config, options->setting, prefix),
             options->setting, error);
    listeners_free(listeners);
    return NULL;
}

static bool open_relay_listeners(struct server *server)
{
    struct listeners_options options;
    char error[CONFIG_ERROR_SIZE];

    if (!config_listen_relay(server->config, &options, error)) {
        log_errx("cannot start: %s", error);
        return false;
    }
    if (!options.addresses[0])
        return true;
    server->relay_listeners = open_each(server->config, &options);
    return server->relay_listeners != NULL;
}

static void on_accept(void *ctx, int fd, const struct sockaddr *peer, socklen_t length)
{
    struct server *server = ctx;

    if (server->modules.gate)
        proxy_gate_take(server->modules.gate, fd, peer, length);
    else
        serve_client(server, fd, peer, length);
}

static bool open_listeners(struct server *server)
{
    const struct listeners_options options = config_listen_http(server->config);

    server->listeners = open_each(server->config, &options);
    return server->listeners && open_relay_listeners(server);
}

static bool open_loop(struct server *server)
{
    server->loop = loop_new(clock_mono);
    server->signals = (struct signals){.loop = server->loop, .obey = on_signal, .ctx = server};
    if (server->loop && signals_watch(&server->signals))
        return true;
    log_err("cannot start: cannot set up the event loop");
    return false;
}

static bool build_modules(struct server *server)
{
    const struct modules_options options = {
        .loop = server->loop,
        .boottime = clock_boottime,
        .key = hash_key_random(),
        .started = clock_wall(),
        .version = P0F_LOOKUPD_VERSION,
        .p0f_told = on_p0f_told,
        .passed = serve_client,
        .ctx = server,
    };
    char error[MODULES_ERROR_SIZE];

    if (modules_build(&server->modules, server->config, &options, error))
        return true;
    log_errx("cannot start: %s", error);
    return false;
}

static bool start_accepting(struct server *server)
{
    if (listeners_start(server->listeners, server->loop, on_accept, server) &&
        (!server->relay_listeners ||
         listeners_start(server->relay_listeners, server->loop, on_relay_accept, server)))
        return true;
    log_err("cannot start: cannot accept connections");
    return false;
}

static void free_server(struct server *server)
{
    modules_tear_down(&server->modules);
    listeners_free(server->listeners);
    listeners_free(server->relay_listeners);
    signals_close(&server->signals);
    loop_free(server->loop);
    config_free(server->config);
}

int server_run(struct config *config, const struct config_source *source)
{
    struct server server = {.config = config, .source = source};
    int status = EXIT_FAILURE;

    log_info("starting version %s", P0F_LOOKUPD_VERSION);
    server.shutdown_check = (struct loop_timer){.fire = check_shutdown, .ctx = &server};
    server.shutdown_status = (struct loop_timer){.fire = tell_shutdown_status, .ctx = &server};
    descriptors_raise_limit(config->http.max_connections,
                            config->relay.listen[0] ? config->relay.max_connections : 0,
                            config->http.proxy_protocol ? PROXY_GATE_MAX : 0);
    if (open_listeners(&server) && open_loop(&server) && build_modules(&server) &&
        start_accepting(&server)) {
        systemd_notify_ready(NULL);
        if (loop_run(server.loop) == 0)
            status = EXIT_SUCCESS;
        else
            log_err("waiting for events failed");
    }
    free_server(&server);
    return status;
}
