/* SPDX-License-Identifier: MIT */
#include "server.h"

#include "core/log.h"
#include "heartbeat.h"
#include "modules.h"
#include "modules_p0f.h"
#include "reload.h"
#include "server_listeners.h"
#include "shutdown.h"
#include "signals.h"
#include "systemd.h"

#include <errno.h>
#include <stdlib.h>

#define EXIT_INVALID 2 /* a restart does not help */

struct server {
    struct config *config;
    const struct config_source *source;
    struct loop *loop;
    struct modules modules;
    struct server_listeners listeners;
    struct signals signals;
    struct shutdown shutdown;
    struct heartbeat heartbeat;
};

static void on_signal(void *ctx, enum signals_order order, const char *name)
{
    struct server *server = ctx;

    if (order == SIGNALS_SHUT_DOWN)
        shutdown_begin(&server->shutdown, name);
    else if (server->shutdown.begun)
        log_warnx("%s ignored: shutting down", name);
    else
        reload_settings(server->config, server->source, &server->modules);
}

static void on_p0f_told(void *ctx, const char *fault)
{
    const struct server *server = ctx;

    if (!server->shutdown.begun)
        systemd_notify_p0f(fault);
}

/* ---- Starting */

static void on_passed(void *ctx, int fd, const struct sockaddr *peer, socklen_t length)
{
    struct server *server = ctx;

    server_listeners_serve(&server->listeners, fd, peer, length, false);
}

static void on_tls_passed(void *ctx, int fd, const struct sockaddr *peer, socklen_t length)
{
    struct server *server = ctx;

    server_listeners_serve(&server->listeners, fd, peer, length, true);
}

static bool open_loop(struct server *server)
{
    server->loop = loop_new(clock_mono);
    server->shutdown.loop = server->loop;
    server->signals = (struct signals){.loop = server->loop, .obey = on_signal, .ctx = server};
    if (!server->loop || !signals_watch(&server->signals)) {
        log_err("cannot start: cannot set up the event loop");
        return false;
    }
    systemd_begin(server->loop);
    return true;
}

static bool build_modules(struct server *server)
{
    const struct modules_options options = {
        .loop = server->loop,
        .boottime = clock_boottime,
        .wall = clock_wall,
        .key = hash_key_random(),
        .started = clock_wall(),
        .version = P0F_LOOKUPD_VERSION,
        .p0f_told = on_p0f_told,
        .passed = on_passed,
        .tls_passed = on_tls_passed,
        .ctx = server,
    };
    char error[MODULES_ERROR_SIZE];

    if (modules_build(&server->modules, server->config, &options, error))
        return true;
    log_errx("cannot start: %s", error);
    return false;
}

static void free_server(struct server *server)
{
    heartbeat_stop(&server->heartbeat);
    modules_tear_down(&server->modules);
    server_listeners_free(&server->listeners);
    signals_close(&server->signals);
    systemd_end();
    loop_free(server->loop);
    config_free(server->config);
}

int server_run(struct config *config, const struct config_source *source)
{
    static struct server server; /* has connections that are never freed, see shutdown_leave() */
    int status = EXIT_FAILURE;

    server = (struct server){.config = config, .source = source};
    log_info("starting version %s", P0F_LOOKUPD_VERSION);
    server.shutdown = (struct shutdown){.modules = &server.modules, .listeners = &server.listeners};
    descriptors_raise_limit(config->http.max_connections,
                            config->relay.listen[0] ? config->relay.max_connections : 0,
                            modules_gated_max(config) + modules_p0f_connections_max(config));
    if (!server_listeners_open(&server.listeners, config, source->inherited)) {
        status = errno == EINVAL ? EXIT_INVALID : EXIT_FAILURE;
    } else if (open_loop(&server) && build_modules(&server) &&
               server_listeners_start(&server.listeners, server.loop, &server.modules)) {
        systemd_notify_ready(NULL);
        heartbeat_start(&server.heartbeat, server.loop, server.modules.http,
                        server.modules.readiness);
        if (loop_run(server.loop) == 0)
            status = EXIT_SUCCESS;
        else
            log_err("waiting for events failed");
    }
    free_server(&server);
    shutdown_leave(&server.shutdown);
    return status;
}
