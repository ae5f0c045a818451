/* SPDX-License-Identifier: MIT */
#include "server.h"

#include "config/snapshot.h"
#include "core/log.h"
#include "http/connections.h"
#include "http/lingering_close.h"
#include "http/server.h"
#include "lookup/lookup.h"
#include "net/listener.h"
#include "net/networks.h"
#include "net/origins.h"
#include "ops/descriptors.h"
#include "ops/readiness.h"
#include "ops/status.h"
#include "systemd.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/param.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define LOOK_AGAIN_MS 10      /* while winding down */
#define LAST_WORDS_MS 5000    /* for clients that are slow to read their answer */
#define LAST_REQUESTS_MS 1000 /* of these for requests that have not come as a whole */
#define REFUSED_LOG_MS 60000  /* between two messages about refused connections */

struct server {
    struct config *config;
    const struct config_source *source;
    struct loop *loop;
    struct recall *recall;
    struct pool *pool;
    struct lookup *lookup;
    struct readiness *readiness;
    struct status *status;
    struct networks *trusted;
    struct origins *cors;
    struct connections *connections;
    struct lingering_close *lingering;
    struct descriptors descriptors;
    struct http_server *http;
    struct listeners *listeners;
    struct loop_fd signals;
    bool stopping;
    struct loop_timer look_again; /* armed while winding down */
    struct mono last_words, refused_logged;
};

/* ---- Settings, as each module wants them */

static struct recall_times times_of(const struct config *config)
{
    return (struct recall_times){
        .ttl = config->cache.ttl,
        .incomplete_ttl = config->cache.incomplete_ttl,
        .negative_ttl = config->cache.negative_ttl,
        .stale_while_revalidate = config->cache.stale_while_revalidate,
        .stale_if_error = config->cache.stale_if_error,
    };
}

static struct lookup_limits limits_of(const struct config *config)
{
    /* Each that waits has a connection. One connection in eight is for others: requests that need no
     * lookup and, when one client has all the places, those of newcomers, half each. */
    uint32_t others = config->http.max_connections / 8;
    uint32_t places = MIN(config->p0f.max_pending, config->http.max_connections - others);

    return (struct lookup_limits){
        .timeout = config->p0f.timeout,
        .first_contact_wait = config->p0f.first_contact_wait,
        .max_pending = places,
        .reserve = MIN(places / 8, others / 2),
        .max_repeat_rate = config->p0f.max_repeat_rate,
        .max_repeat_rate_per_client = config->p0f.max_repeat_rate_per_client,
    };
}

static unsigned threads_of(const struct config *config)
{
    cpu_set_t ours;

    if (config->http.threads > 0)
        return config->http.threads;
    return sched_getaffinity(0, sizeof ours, &ours) == 0 ? (unsigned)CPU_COUNT(&ours) : 1;
}

/* Shows in /status what is in force. False, and the old list is shown, when out of memory. */
static bool show_settings(struct server *server)
{
    struct config_snapshot *snapshot = config_snapshot_new();

    if (snapshot)
        config_each(server->config, config_snapshot_add, snapshot);
    if (!snapshot || !config_snapshot_complete(snapshot)) {
        config_snapshot_unref(snapshot);
        return false;
    }
    status_set_configuration(server->status, snapshot);
    return true;
}

/* ---- SIGHUP */

static void tell_restart_needed(const char *name)
{
    log_warnx("%s has changed, which needs a restart; the old value stays in force", name);
}

static void reload(struct server *server)
{
    char error[CONFIG_ERROR_SIZE];

    systemd_notify_reloading();
    struct config *fresh = config_load(server->source, error);
    if (!fresh) {
        log_errx("%s; the old settings stay in force", error);
        systemd_notify_ready();
        return;
    }
    config_restart_needed(server->config, fresh, tell_restart_needed);
    config_adopt(server->config, fresh); /* what needs a restart limits the rest as before */
    config_free(fresh);
    struct recall_times times = times_of(server->config);
    struct lookup_limits limits = limits_of(server->config);
    recall_set_times(server->recall, &times);
    lookup_set_limits(server->lookup, &limits);
    pool_set_max_rate(server->pool, server->config->p0f.max_rate);
    readiness_set_timeout(server->readiness, server->config->p0f.timeout);
    if (!show_settings(server))
        log_warnx("no memory to show the new settings at /status, though they are in force");
    log_info("settings read again");
    systemd_notify_ready();
}

/* ---- Winding down: no new connections; then no new lookups; then nothing owed by p0f */

static void on_drained(void *ctx)
{
    struct server *server = ctx;

    loop_stop(server->loop);
}

static void look_again(void *ctx)
{
    struct server *server = ctx;
    struct mono now = loop_now(server->loop);
    int64_t left_ms = mono_ms_between(now, server->last_words);

    connections_sweep(server->connections);
    bool late = left_ms <= LAST_WORDS_MS - LAST_REQUESTS_MS;
    bool busy = (late ? connections_answering : connections_busy)(server->connections);
    if (!busy || left_ms <= 0) { /* what still comes on a connection left open finds no place */
        lookup_close(server->lookup);
        status_close(server->status);
        if (lookup_pending(server->lookup) == 0 && !http_server_needs_loop(server->http) &&
            readiness_pending(server->readiness) == 0 && status_pending(server->status) == 0) {
            pool_retire(server->pool, on_drained, server);
            return;
        }
    }
    loop_arm(server->loop, &server->look_again, mono_add_ms(now, LOOK_AGAIN_MS));
}

static void shut_down(struct server *server, const char *signal_name)
{
    if (server->stopping) {
        log_warnx("%s again: still waiting for %u answers from p0f, which could die if we hung up; "
                  "kill -9 does it all the same",
                  signal_name, pool_outstanding(server->pool));
        return;
    }
    log_info("%s: finishing", signal_name);
    systemd_notify_stopping();
    server->stopping = true;
    server->last_words = mono_add_ms(loop_now(server->loop), LAST_WORDS_MS);
    listeners_stop(server->listeners);
    http_server_shut_down(server->http);
    readiness_shut_down(server->readiness);
    look_again(server);
}

static void on_signal(void *ctx, uint32_t events)
{
    struct server *server = ctx;
    struct signalfd_siginfo info;

    (void)events;
    while (read(server->signals.fd, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo != SIGHUP)
            shut_down(server, info.ssi_signo == SIGTERM ? "SIGTERM" : "SIGINT");
        else if (!server->stopping)
            reload(server);
    }
}

/* ---- Starting */

/* Blocked before any thread starts, so that all signals come to the loop. */
static bool watch_signals(struct server *server)
{
    sigset_t ours;

    sigemptyset(&ours);
    sigaddset(&ours, SIGHUP);
    sigaddset(&ours, SIGINT);
    sigaddset(&ours, SIGTERM);
    server->signals = (struct loop_fd){.fd = -1, .ready = on_signal, .ctx = server};
    if (pthread_sigmask(SIG_BLOCK, &ours, NULL) == 0)
        server->signals.fd = signalfd(-1, &ours, SFD_NONBLOCK | SFD_CLOEXEC);
    return server->signals.fd >= 0 && loop_watch(server->loop, &server->signals, EPOLLIN) == 0;
}

static void on_accept(void *ctx, int fd, const struct sockaddr *peer, socklen_t length)
{
    struct server *server = ctx;
    struct mono now = loop_now(server->loop);

    if (http_server_take(server->http, fd, peer, length) ||
        mono_before(now, server->refused_logged))
        return;
    log_warnx("connections are being refused: http.max_connections are open, but for a reserve");
    server->refused_logged = mono_add_ms(now, REFUSED_LOG_MS);
}

static void on_linger(void *ctx, int fd)
{
    lingering_close_take(ctx, fd);
}

static bool fail_start(const char *what)
{
    log_err("cannot start: %s", what);
    return false;
}

static bool read_lists(struct server *server)
{
    const struct config *config = server->config;
    char proxies_error[NETWORKS_ERROR_SIZE], origins_error[ORIGINS_ERROR_SIZE];

    server->trusted = networks_parse(config->http.trusted_proxies, proxies_error);
    if (!server->trusted)
        return fail_start(proxies_error);
    server->cors = origins_parse(config->http.cors_origins, origins_error);
    return server->cors || fail_start(origins_error);
}

static bool build_http(struct server *server, struct hash_key key)
{
    const struct config *config = server->config;

    server->connections =
        connections_new(&(struct connections_options){.loop = server->loop,
                                                      .max = config->http.max_connections,
                                                      .patience_ms = config->http.idle_timeout,
                                                      .trusted = server->trusted,
                                                      .key = key});
    server->lingering = lingering_close_new(server->loop, server->trusted);
    if (!server->connections || !server->lingering)
        return fail_start("memory");
    server->http = http_server_start(&(struct http_server_options){
        .lookup = server->lookup,
        .readiness = server->readiness,
        .status = server->status,
        .connections = server->connections,
        .trusted = server->trusted,
        .cors = server->cors,
        .threads = threads_of(config),
        .max_connections = config->http.max_connections,
        .max_batch = config->http.max_batch,
        /* Half of it on its way to or from p0f, and half ready to follow at once. */
        .batch_window = 2 * config->p0f.connections * config->p0f.pipeline,
        .idle_timeout_ms = config->http.idle_timeout,
        .linger = on_linger,
        .linger_ctx = server->lingering,
        .access_log = config->http.access_log,
        .version = P0F_LOOKUPD_VERSION,
    });
    if (!server->http)
        return fail_start(
            "HTTP threads (http.threads; is there memory for them, and TasksMax= large enough?)");
    return listeners_start(server->listeners, server->loop, on_accept, server) ||
           fail_start("accepting");
}

/* Last of all: what is open now stays open, but for what is counted. */
static void count_descriptors(struct server *server)
{
    struct pool_status pool;

    server->descriptors =
        (struct descriptors){.connections = server->connections, .lingering = server->lingering};
    pool_status(server->pool, &pool);
    descriptors_begin(&server->descriptors, &pool);
    status_set_descriptors(server->status, &server->descriptors);
}

/* From the bottom up: what p0f's side needs, then the lookup, then HTTP. */
static bool build(struct server *server)
{
    const struct config *config = server->config;
    const struct hash_key key = hash_key_random();
    const struct lookup_limits limits = limits_of(config);

    server->loop = loop_new(clock_mono);
    if (!server->loop || !watch_signals(server))
        return fail_start("event loop");
    server->recall = recall_new(&(struct recall_options){.max_hosts = config->cache.max_hosts,
                                                         .max_misses = config->cache.max_misses,
                                                         .times = times_of(config),
                                                         .key = key});
    if (!server->recall)
        return fail_start("memory for cache.max_hosts and cache.max_misses");
    server->pool = pool_new(server->loop, &(struct pool_options){
                                              .socket = config->p0f.socket,
                                              .dialect = config->p0f.dialect,
                                              .connections = config->p0f.connections,
                                              .pipeline = config->p0f.pipeline,
                                              .max_rate = config->p0f.max_rate,
                                              .seed = key.k0 ^ key.k1,
                                          });
    if (!server->pool)
        return fail_start("memory for p0f.connections");
    server->lookup =
        lookup_new(server->loop, server->recall, server->pool, clock_mono, key, &limits);
    if (!server->lookup)
        return fail_start("memory for p0f.max_pending");
    server->readiness = readiness_new(server->loop, server->pool, config->p0f.timeout);
    server->status = status_new(&(struct status_options){.loop = server->loop,
                                                         .recall = server->recall,
                                                         .lookup = server->lookup,
                                                         .pool = server->pool,
                                                         .max_hosts = config->cache.max_hosts,
                                                         .max_misses = config->cache.max_misses,
                                                         .version = P0F_LOOKUPD_VERSION,
                                                         .started = clock_wall()});
    if (!server->readiness || !server->status || !show_settings(server))
        return fail_start("memory");
    return read_lists(server) && build_http(server, key);
}

static bool open_listeners(struct server *server)
{
    const struct config *config = server->config;
    char error[LISTENERS_ERROR_SIZE];

    server->listeners =
        listeners_parse(config->http.listen, config->http.allow_unauthenticated, error);
    if (server->listeners && listeners_open(server->listeners, error))
        return true;
    log_errx("cannot start: %s", error);
    return false;
}

static void tear_down(struct server *server)
{
    http_server_stop(server->http);
    connections_free(server->connections);
    lingering_close_free(server->lingering);
    status_free(server->status);
    origins_free(server->cors);
    networks_free(server->trusted);
    listeners_free(server->listeners);
    lookup_free(server->lookup);
    pool_free(server->pool);
    readiness_free(server->readiness); /* its query may have been in the pool */
    recall_free(server->recall);
    if (server->signals.fd >= 0)
        close(server->signals.fd);
    loop_free(server->loop);
    config_free(server->config);
}

int server_run(struct config *config, const struct config_source *source)
{
    struct server server = {.config = config, .source = source, .signals = {.fd = -1}};
    int status = EXIT_FAILURE;

    server.look_again = (struct loop_timer){.fire = look_again, .ctx = &server};
    descriptors_raise_limit(config->http.max_connections);
    if (open_listeners(&server) && build(&server)) {
        count_descriptors(&server);
        systemd_notify_ready();
        if (loop_run(server.loop) == 0)
            status = EXIT_SUCCESS;
        else
            log_err("waiting for events failed");
    }
    tear_down(&server);
    return status;
}
