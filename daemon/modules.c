/* SPDX-License-Identifier: MIT */
#include "modules.h"

#include "config/snapshot.h"
#include "config/tls_files.h"
#include "config/token_file.h"
#include "modules_p0f.h"

#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/param.h>

/* ---- Settings, as each module wants them */

static struct recall_times recall_times_of(const struct config *config)
{
    return (struct recall_times){
        .ttl = config->cache.ttl,
        .incomplete_ttl = config->cache.incomplete_ttl,
        .negative_ttl = config->cache.negative_ttl,
        .stale_while_revalidate = config->cache.stale_while_revalidate,
        .stale_if_error = config->cache.stale_if_error,
    };
}

/* Each pending lookup keeps a connection. So an eighth of the connections is kept from lookups: half
 * for requests that need none, half (the reserve) for clients with few lookups while one client has all
 * the others. */
static struct lookup_limits lookup_limits_of(const struct config *config)
{
    uint32_t kept = config->http.max_connections / 8;
    uint32_t max_pending = MIN(config->p0f.max_pending, config->http.max_connections - kept);

    return (struct lookup_limits){
        .timeout = config->p0f.timeout,
        .first_contact_wait = config->p0f.first_contact_wait,
        .max_pending = max_pending,
        .reserve = MIN(max_pending / 8, kept / 2),
        .max_repeat_rate = config->p0f.max_repeat_rate,
        .max_repeat_rate_per_client = config->p0f.max_repeat_rate_per_client,
    };
}

/* Half of the lookups that anybody may have pending, so that the relay's clients cannot take all of
 * them from those of HTTP. */
static uint32_t relay_lookups_of(const struct config *config)
{
    return MAX(lookup_limits_of(config).max_pending / 2, 1);
}

/* By default, one for each processor that this process may run on. */
static unsigned worker_count_of(const struct config *config)
{
    cpu_set_t usable;

    if (config->http.threads > 0)
        return config->http.threads;
    return sched_getaffinity(0, sizeof usable, &usable) == 0 ? (unsigned)CPU_COUNT(&usable) : 1;
}

static void show_waiting(void *ctx, const struct config_change *change)
{
    config_snapshot_add_waiting(ctx, change->section, change->key, change->waiting);
}

/* `fresh` has what waits for a restart. */
static bool show_settings(struct status *status, const struct config *config,
                          const struct config *fresh)
{
    struct config_snapshot *snapshot = config_snapshot_new();

    if (snapshot) {
        config_each(config, config_snapshot_add, snapshot);
        config_restart_needed(config, fresh, show_waiting, snapshot);
    }
    if (!snapshot || !config_snapshot_complete(snapshot)) {
        config_snapshot_unref(snapshot);
        return false;
    }
    status_set_configuration(status, snapshot);
    return true;
}

bool modules_apply(struct modules *modules, const struct config *config, const struct config *fresh)
{
    const struct recall_times times = recall_times_of(config);
    const struct lookup_limits limits = lookup_limits_of(config);

    recall_set_times(modules->recall, &times);
    lookup_set_limits(modules->lookup, &limits);
    if (modules->relay)
        relay_set_max_lookups(modules->relay, relay_lookups_of(config));
    modules_p0f_apply(config, modules->sensors, modules->share);
    readiness_set_timeout(modules->readiness, config->p0f.timeout);
    readiness_set_any(modules->readiness, config->p0f.ready_any);
    return show_settings(modules->status, config, fresh);
}

/* ---- Building */

__attribute__((format(printf, 2, 3))) static bool fail_build(char error[MODULES_ERROR_SIZE],
                                                             const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(error, MODULES_ERROR_SIZE, format, args);
    va_end(args);
    return false;
}

/* What asks p0f, and remembers its answers. */
static bool build_lookup(struct modules *modules, const struct config *config,
                         const struct modules_options *options, char error[MODULES_ERROR_SIZE])
{
    const struct hash_key key = options->key;
    const struct lookup_limits limits = lookup_limits_of(config);
    const struct modules_p0f_options p0f = {
        .config = config,
        .loop = options->loop,
        .wall = options->wall,
        .key = key,
        .told = options->p0f_told,
        .ctx = options->ctx,
    };
    char reason[CONFIG_ERROR_SIZE];

    modules->recall = recall_new(&(struct recall_options){
        .max_hosts = config->cache.max_hosts,
        .max_misses = config->cache.max_misses,
        .times = recall_times_of(config),
        .key = key,
    });
    if (!modules->recall)
        return fail_build(error, "out of memory for the cache; lower cache.max_hosts or "
                                 "cache.max_misses");
    modules->sensors = modules_p0f_sensors(&p0f, reason);
    if (!modules->sensors || !modules_p0f_share(&p0f, &modules->share, reason))
        return fail_build(error, "%s", reason);
    modules->lookup =
        lookup_new(options->loop, modules->recall,
                   &(struct gather_parts){.sensors = modules->sensors, .share = modules->share},
                   options->boottime, key, &limits);
    return modules->lookup || fail_build(error, "out of memory for lookups");
}

static bool build_ops(struct modules *modules, const struct config *config,
                      const struct modules_options *options, char error[MODULES_ERROR_SIZE])
{
    modules->readiness = readiness_new(options->loop, modules->sensors, config->p0f.timeout);
    modules->status = status_new(&(struct status_options){
        .loop = options->loop,
        .boottime = options->boottime,
        .recall = modules->recall,
        .lookup = modules->lookup,
        .sensors = modules->sensors,
        .share = modules->share,
        .max_hosts = config->cache.max_hosts,
        .max_misses = config->cache.max_misses,
        .version = options->version,
        .started = options->started,
    });
    if (!modules->readiness || !modules->status || !show_settings(modules->status, config, config))
        return fail_build(error, "out of memory");
    readiness_set_any(modules->readiness, config->p0f.ready_any);
    return true;
}

static bool read_lists(struct modules *modules, const struct config *config,
                       char error[MODULES_ERROR_SIZE])
{
    char reason[MAX(MAX(NETWORKS_ERROR_SIZE, CLIENT_HEADER_ERROR_SIZE),
                    MAX(ORIGINS_ERROR_SIZE, SERVER_NAMES_ERROR_SIZE))];

    modules->trusted = networks_parse(config->http.trusted_proxies, reason);
    if (!modules->trusted)
        return fail_build(error, "http.trusted_proxies: %s", reason);
    modules->cors = origins_parse(config->http.cors_origins, reason);
    if (!modules->cors)
        return fail_build(error, "http.cors_origins: %s", reason);
    modules->names = server_names_parse(config->http.server_names, reason);
    if (!modules->names)
        return fail_build(error, "http.server_names: %s", reason);
    return client_header_parse(config->http.client_header, &modules->client_header, reason) ||
           fail_build(error, "http.client_header: %s", reason);
}

static bool read_certificate(struct modules *modules, const struct config *config,
                             char error[MODULES_ERROR_SIZE])
{
    char reason[CONFIG_ERROR_SIZE];
    struct tls_certificate *certificate;

    if (!tls_files_load(config, &certificate, reason))
        return fail_build(error, "%s", reason);
    modules->certificate = certificate ? tls_current_new(certificate) : NULL;
    if (modules->certificate)
        status_set_tls(modules->status, modules->certificate, config->http.tls_listen);
    return modules->certificate || !certificate || fail_build(error, "out of memory");
}

void modules_replace_certificate(struct modules *modules, struct tls_certificate *certificate)
{
    if (modules->certificate && certificate)
        tls_current_set(modules->certificate, certificate);
    else
        tls_certificate_unref(certificate);
}

static bool read_tokens_of(struct modules *modules, const struct config *config,
                           char error[MODULES_ERROR_SIZE])
{
    char reason[CONFIG_ERROR_SIZE];

    return token_file_load(config, &modules->tokens, reason) || fail_build(error, "%s", reason);
}

void modules_replace_tokens(struct modules *modules, struct tokens *tokens)
{
    tokens_unref(modules->tokens);
    modules->tokens = tokens;
    if (tokens)
        http_server_replace_tokens(modules->http, tokens);
}

static void take_lingering(void *ctx, int fd, const struct sockaddr *peer)
{
    lingering_close_take(ctx, fd, peer);
}

uint32_t modules_gated_max(const struct config *config)
{
    if (!config->http.proxy_protocol)
        return 0;
    return config->http.tls_listen[0] ? 2 * PROXY_GATE_MAX : PROXY_GATE_MAX;
}

/* Sockets that `connections` does not count. */
static uint32_t other_sockets_of(const struct config *config)
{
    return (config->relay.listen[0] ? config->relay.max_connections : 0) +
           modules_gated_max(config) + modules_p0f_connections_max(config);
}

static bool build_http(struct modules *modules, const struct config *config,
                       const struct modules_options *options, char error[MODULES_ERROR_SIZE])
{
    modules->connections = connections_new(&(struct connections_options){
        .loop = options->loop,
        .max = config->http.max_connections,
        .others = other_sockets_of(config),
        .trusted = modules->trusted,
        .key = options->key,
    });
    modules->lingering = lingering_close_new(options->loop, modules->trusted);
    if (config->http.proxy_protocol) {
        modules->gate =
            proxy_gate_new(options->loop, modules->trusted, options->passed, options->ctx);
        modules->tls_gate =
            proxy_gate_new(options->loop, modules->trusted, options->tls_passed, options->ctx);
    }
    if (!modules->connections || !modules->lingering ||
        (config->http.proxy_protocol && (!modules->gate || !modules->tls_gate)))
        return fail_build(error, "out of memory for connections of clients; lower "
                                 "http.max_connections");
    modules->http = http_server_start(&(struct http_server_options){
        .lookup = modules->lookup,
        .readiness = modules->readiness,
        .status = modules->status,
        .connections = modules->connections,
        .client_header = modules->client_header,
        .proxy_protocol = config->http.proxy_protocol,
        .certificate = modules->certificate,
        .trusted = modules->trusted,
        .cors = modules->cors,
        .names = modules->names,
        .tokens = modules->tokens,
        .threads = worker_count_of(config),
        .max_connections = config->http.max_connections,
        .max_batch = config->http.max_batch,
        /* Half of it on its way to or from p0f, and half ready to follow at once. */
        .batch_window = 2 * config->p0f.connections * config->p0f.pipeline,
        .idle_timeout_ms = config->http.idle_timeout,
        .linger = take_lingering,
        .linger_ctx = modules->lingering,
        .access_log = config->http.access_log,
        .version = options->version,
    });
    return modules->http ||
           fail_build(error,
                      "cannot start %u HTTP workers: %s; lower http.threads, or allow more memory, "
                      "descriptors (LimitNOFILE=) or threads (TasksMax=)",
                      worker_count_of(config), strerror(errno));
}

static void show_relay(void *ctx, struct status_relay *shown)
{
    const struct modules *modules = ctx;
    struct relay_counts counts = relay_counts(modules->relay);

    *shown = (struct status_relay){
        .listen = modules->relay_listen,
        .connections = counts.connections,
        .max_connections = counts.max_connections,
        .lookups = counts.lookups,
        .max_lookups = counts.max_lookups,
    };
}

static bool build_relay(struct modules *modules, const struct config *config,
                        const struct modules_options *options, char error[MODULES_ERROR_SIZE])
{
    if (!config->relay.listen[0])
        return true;
    modules->relay = relay_new(&(struct relay_options){
        .loop = options->loop,
        .lookup = modules->lookup,
        .max_connections = config->relay.max_connections,
        .max_lookups = relay_lookups_of(config),
    });
    if (!modules->relay)
        return fail_build(error, "cannot set up the relay: %s", strerror(errno));
    modules->relay_listen = config->relay.listen;
    status_set_relay(modules->status, show_relay, modules);
    return true;
}

uint32_t modules_relay_connections(const struct modules *modules)
{
    return modules->relay ? relay_counts(modules->relay).connections : 0;
}

static uint64_t count_sockets(void *ctx)
{
    const struct modules *modules = ctx;

    return connections_count(modules->connections) +
           (uint64_t)lingering_close_count(modules->lingering) + proxy_gate_count(modules->gate) +
           proxy_gate_count(modules->tls_gate) + modules_relay_connections(modules) +
           sensors_connections(modules->sensors) +
           (modules->share ? share_connections(modules->share) : 0);
}

static void count_descriptors(struct modules *modules)
{
    modules->descriptors = (struct descriptors){.count_changing = count_sockets, .ctx = modules};
    descriptors_begin(&modules->descriptors);
    status_set_descriptors(modules->status, &modules->descriptors);
}

bool modules_build(struct modules *modules, const struct config *config,
                   const struct modules_options *options, char error[MODULES_ERROR_SIZE])
{
    *modules = (struct modules){0};
    if (!build_lookup(modules, config, options, error) ||
        !build_ops(modules, config, options, error) || !read_lists(modules, config, error) ||
        !read_tokens_of(modules, config, error) || !read_certificate(modules, config, error) ||
        !build_http(modules, config, options, error) ||
        !build_relay(modules, config, options, error))
        return false;
    count_descriptors(modules);
    return true;
}

void modules_tear_down(struct modules *modules)
{
    http_server_stop(modules->http);
    relay_free(modules->relay);
    connections_free(modules->connections);
    lingering_close_free(modules->lingering);
    proxy_gate_free(modules->gate);
    proxy_gate_free(modules->tls_gate);
    tls_current_free(modules->certificate);
    status_free(modules->status);
    tokens_unref(modules->tokens);
    server_names_free(modules->names);
    origins_free(modules->cors);
    networks_free(modules->trusted);
    lookup_free(modules->lookup);
    share_free(modules->share);
    sensors_free(modules->sensors);
    readiness_free(modules->readiness); /* after the sensors, whose pools may have its queries */
    recall_free(modules->recall);
}
