/* SPDX-License-Identifier: MIT */
#include "server_listeners.h"

#include "config/config_listen.h"
#include "core/log.h"

#include <errno.h>

#define FULL_LOG_MS 60000 /* between two messages about refused connections */

/* ---- Accepting */

static void log_full(const struct server_listeners *listeners, struct mono *logged,
                     const char *setting, uint32_t max)
{
    struct mono now = loop_now(listeners->loop);

    if (mono_before(now, *logged))
        return;
    log_warnx("refusing connections: %s (%u) reached", setting, max);
    *logged = mono_add_ms(now, FULL_LOG_MS);
}

void server_listeners_serve(struct server_listeners *listeners, int fd, const struct sockaddr *peer,
                            socklen_t length, bool tls)
{
    if (!http_server_take(listeners->modules->http, fd, peer, length, tls))
        log_full(listeners, &listeners->http_full_logged, "http.max_connections",
                 listeners->config->http.max_connections);
}

static void on_http_accept(void *ctx, int fd, const struct sockaddr *peer, socklen_t length)
{
    struct server_listeners *listeners = ctx;

    if (listeners->modules->gate)
        proxy_gate_take(listeners->modules->gate, fd, peer, length);
    else
        server_listeners_serve(listeners, fd, peer, length, false);
}

static void on_tls_accept(void *ctx, int fd, const struct sockaddr *peer, socklen_t length)
{
    struct server_listeners *listeners = ctx;

    if (listeners->modules->tls_gate)
        proxy_gate_take(listeners->modules->tls_gate, fd, peer, length);
    else
        server_listeners_serve(listeners, fd, peer, length, true);
}

static void on_relay_accept(void *ctx, int fd, const struct sockaddr *peer, socklen_t length)
{
    struct server_listeners *listeners = ctx;

    (void)peer;
    (void)length;
    if (!relay_take(listeners->modules->relay, fd) && errno == EAGAIN)
        log_full(listeners, &listeners->relay_full_logged, "relay.max_connections",
                 listeners->config->relay.max_connections);
}

/* ---- Opening and closing */

static bool fail_open(const char *error)
{
    log_errx("cannot start: %s", error);
    return false;
}

/* NULL with errno after it has logged why. */
static struct listeners *open_each(const struct server_listeners *server,
                                   struct listeners_options *options)
{
    char error[LISTENERS_ERROR_SIZE], prefix[CONFIG_ORIGIN_SIZE];

    options->inherited = server->inherited;
    struct listeners *listeners = listeners_parse(options, error);
    if (listeners && listeners_open(listeners, error))
        return listeners;
    int problem = errno;
    log_errx("cannot start: %s%s: %s", config_prefix(server->config, options->setting, prefix),
             options->setting, error);
    listeners_free(listeners);
    errno = problem;
    return NULL;
}

/* *opened stays NULL if there is no address. */
static bool open_any(struct server_listeners *listeners, struct listeners_options *options,
                     struct listeners **opened)
{
    if (!options->addresses[0])
        return true;
    *opened = open_each(listeners, options);
    return *opened != NULL;
}

static bool open_relay(struct server_listeners *listeners)
{
    struct listeners_options options;
    char error[CONFIG_ERROR_SIZE];

    if (!config_listen_relay(listeners->config, &options, error))
        return fail_open(error);
    return open_any(listeners, &options, &listeners->relay);
}

bool server_listeners_open(struct server_listeners *listeners, const struct config *config,
                           const struct inherited_sockets *inherited)
{
    struct listeners_options options;
    char error[CONFIG_ERROR_SIZE];

    listeners->config = config;
    listeners->inherited = inherited;
    if (!config_listen_http(config, &options, error))
        return fail_open(error);
    struct listeners_options tls = config_listen_tls(config);
    return open_any(listeners, &options, &listeners->http) &&
           open_any(listeners, &tls, &listeners->tls) && open_relay(listeners);
}

static bool start_any(struct server_listeners *listeners, struct listeners *some,
                      listener_accept_fn *accepted)
{
    return !some || listeners_start(some, listeners->loop, accepted, listeners);
}

bool server_listeners_start(struct server_listeners *listeners, struct loop *loop,
                            struct modules *modules)
{
    listeners->loop = loop;
    listeners->modules = modules;
    if (start_any(listeners, listeners->http, on_http_accept) &&
        start_any(listeners, listeners->tls, on_tls_accept) &&
        start_any(listeners, listeners->relay, on_relay_accept))
        return true;
    log_err("cannot start: cannot accept connections");
    return false;
}

static void each_open(const struct server_listeners *listeners, void (*act)(struct listeners *some))
{
    struct listeners *all[] = {listeners->http, listeners->tls, listeners->relay};

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (all[i])
            act(all[i]);
}

void server_listeners_seal(struct server_listeners *listeners)
{
    each_open(listeners, listeners_seal);
}

void server_listeners_stop(struct server_listeners *listeners)
{
    each_open(listeners, listeners_stop);
}

void server_listeners_free(struct server_listeners *listeners)
{
    listeners_free(listeners->http);
    listeners_free(listeners->tls);
    listeners_free(listeners->relay);
}
