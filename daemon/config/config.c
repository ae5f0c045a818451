/* SPDX-License-Identifier: MIT */
#include "config/config.h"

#include "config/config_private.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define DAY_MS (INT64_C(24) * 60 * 60 * 1000)
#define YEAR_MS (365 * DAY_MS)
#define FIELD(section, key) offsetof(struct config, section.key)

/* clang-format off */
static const struct option options[] = {
    {"http", "listen", OPTION_LISTEN, FIELD(http, listen), "127.0.0.1:5030", 0, 0, false,
     "where to listen: host:port, [IPv6]:port or unix:/path, comma-separated"},
    {"http", "tls_listen", OPTION_LISTEN_TCP, FIELD(http, tls_listen), "", 0, 0, false,
     "the same for TLS: host:port or [IPv6]:port; empty for nowhere"},
    {"http", "tls_certificate", OPTION_FILE, FIELD(http, tls_certificate), "", 0, 0, true,
     "PEM file with the certificate for TLS, and its chain"},
    {"http", "tls_key", OPTION_FILE, FIELD(http, tls_key), "", 0, 0, true,
     "PEM file with its private key"},
    {"http", "socket_mode", OPTION_MODE, FIELD(http, socket_mode), "0666", 0, 0777, false,
     "mode of the unix sockets"},
    {"http", "socket_group", OPTION_GROUP, FIELD(http, socket_group), "", 0, 0, false,
     "group of these sockets; empty for that of the daemon"},
    {"http", "threads", OPTION_AUTO, FIELD(http, threads), "auto", 1, 256, false,
     "number of worker threads; auto is one per processor"},
    {"http", "max_connections", OPTION_COUNT, FIELD(http, max_connections), "10000", 1, 1000000, false,
     "maximum number of open connections"},
    {"http", "idle_timeout", OPTION_DURATION, FIELD(http, idle_timeout), "75s", 1000, YEAR_MS, false,
     "close a connection that has been idle for this long"},
    {"http", "max_batch", OPTION_COUNT, FIELD(http, max_batch), "1000", 1, 1000000, false,
     "maximum number of addresses in one POST /hosts"},
    {"http", "token_file", OPTION_FILE, FIELD(http, token_file), "", 0, 0, false,
     "file of the tokens that requests must have; empty for none"},
    {"http", "allow_unauthenticated", OPTION_BOOLEAN, FIELD(http, allow_unauthenticated), "no", 0, 0, false,
     "allow listening where other hosts can connect, without tokens"},
    {"http", "trusted_proxies", OPTION_NETWORKS, FIELD(http, trusted_proxies), "127.0.0.0/8, ::1", 0, 0, false,
     "proxies trusted to name the client: networks, comma-separated"},
    {"http", "client_header", OPTION_CLIENT_HEADER, FIELD(http, client_header), "X-Forwarded-For", 0, 0, false,
     "field in which trusted proxies do: X-Forwarded-For, Forwarded, X-Real-IP..."},
    {"http", "proxy_protocol", OPTION_BOOLEAN, FIELD(http, proxy_protocol), "no", 0, 0, false,
     "trusted proxies begin each connection with a PROXY header"},
    {"http", "server_names", OPTION_SERVER_NAMES, FIELD(http, server_names), "", 0, 0, false,
     "names in Host that are answered, comma-separated; empty for all"},
    {"http", "cors_origins", OPTION_ORIGINS, FIELD(http, cors_origins), "", 0, 0, false,
     "web origins that may read responses, comma-separated, or * for all"},
    {"http", "access_log", OPTION_BOOLEAN, FIELD(http, access_log), "no", 0, 0, false,
     "log every request"},

    {"p0f", "socket", OPTION_SOCKETS, FIELD(p0f, socket), P0F_DEFAULT_SOCKET, 0, 0, false,
     "path of p0f's API socket (p0f -s), or name=/path for each of several"},
    {"p0f", "dialect", OPTION_DIALECT, FIELD(p0f, dialect), "auto", 0, 0, false,
     "variant of p0f's API: auto, p0f3, mtu, mss, api2 or sig"},
    {"p0f", "connections", OPTION_COUNT, FIELD(p0f, connections), "4", 1, 100, false,
     "connections to each p0f, which accepts 20 in all by default (p0f -S)"},
    {"p0f", "pipeline", OPTION_COUNT, FIELD(p0f, pipeline), "16", 1, 1024, false,
     "maximum number of queries in flight on each connection"},
    {"p0f", "timeout", OPTION_DURATION, FIELD(p0f, timeout), "1s", 1, DAY_MS, true,
     "how long a request waits for p0f"},
    {"p0f", "ready", OPTION_ALL_ANY, FIELD(p0f, ready_any), "all", 0, 0, true,
     "which of several p0fs must answer for /readyz: all or any"},
    {"p0f", "max_pending", OPTION_COUNT, FIELD(p0f, max_pending), "10000", 1, 1000000, true,
     "maximum number of pending lookups; more are refused with 503"},
    {"p0f", "max_rate", OPTION_COUNT, FIELD(p0f, max_rate), "0", 0, 1000000000, true,
     "maximum number of queries per second to each p0f; 0 is no limit"},
    {"p0f", "max_repeat_rate", OPTION_COUNT, FIELD(p0f, max_repeat_rate), "20000", 0, 1000000000, true,
     "how many of these may repeat a recent query; 0 is no limit"},
    {"p0f", "max_repeat_rate_per_client", OPTION_COUNT, FIELD(p0f, max_repeat_rate_per_client), "2000", 0, 1000000000, true,
     "the same for each client; 0 is no limit"},
    {"p0f", "first_contact_wait", OPTION_DURATION, FIELD(p0f, first_contact_wait), "25ms", 0, 5000, true,
     "how long \"no match\" is retried before it is believed"},

    {"relay", "listen", OPTION_LISTEN_UNIX, FIELD(relay, listen), "", 0, 0, false,
     "where to answer p0f's own protocol: unix:/path, comma-separated; empty for nowhere"},
    {"relay", "socket_mode", OPTION_MODE, FIELD(relay, socket_mode), "0666", 0, 0777, false,
     "mode of these sockets"},
    {"relay", "socket_group", OPTION_GROUP, FIELD(relay, socket_group), "", 0, 0, false,
     "group of these sockets; empty for that of the daemon"},
    {"relay", "max_connections", OPTION_COUNT, FIELD(relay, max_connections), "1000", 1, 1000000, false,
     "maximum number of open connections of the relay"},

    {"cache", "ttl", OPTION_DURATION, FIELD(cache, ttl), "30s", 0, YEAR_MS, true,
     "time to live of a known host; 0 caches nothing"},
    {"cache", "incomplete_ttl", OPTION_DURATION, FIELD(cache, incomplete_ttl), "2s", 0, YEAR_MS, true,
     "the same while neither its OS nor its HTTP application is known"},
    {"cache", "negative_ttl", OPTION_DURATION, FIELD(cache, negative_ttl), "1s", 0, YEAR_MS, true,
     "time to live of \"no match\""},
    {"cache", "stale_while_revalidate", OPTION_DURATION, FIELD(cache, stale_while_revalidate), "30s", 0, YEAR_MS, true,
     "how long after its ttl a host is served while p0f is asked again"},
    {"cache", "stale_if_error", OPTION_DURATION, FIELD(cache, stale_if_error), "1h", 0, YEAR_MS, true,
     "how long after its ttl a host is served while p0f fails"},
    {"cache", "max_hosts", OPTION_COUNT, FIELD(cache, max_hosts), "100000", 0, 100000000, false,
     "maximum number of known hosts in the cache"},
    {"cache", "max_misses", OPTION_COUNT, FIELD(cache, max_misses), "25000", 0, 100000000, false,
     "maximum number of \"no match\" entries, in a store of their own"},

    {"share", "server", OPTION_REDIS_URLS, FIELD(share, server), "", 0, 0, false,
     "Valkey or Redis server of a fleet: redis://host:port or unix:/path; empty for none"},
    {"share", "sensor", OPTION_SENSOR, FIELD(share, sensor), "", 0, 0, false,
     "name of this machine in the shared tier; empty for the host name"},
    {"share", "prefix", OPTION_PREFIX, FIELD(share, prefix), "p0f:", 0, 0, false,
     "prefix of the keys"},
    {"share", "ttl", OPTION_DURATION, FIELD(share, ttl), "2h", 1000, YEAR_MS, true,
     "time to live of a host in the shared tier, from the last write"},
    {"share", "timeout", OPTION_DURATION, FIELD(share, timeout), "50ms", 1, 5000, true,
     "how long a request waits for the shared tier"},
    {"share", "write_interval", OPTION_DURATION, FIELD(share, write_interval), "30s", 0, YEAR_MS, true,
     "minimum time between two writes of an unchanged host"},
};
/* clang-format on */

#define OPTIONS (sizeof options / sizeof options[0])

_Static_assert(OPTIONS <= CONFIG_OPTIONS_MAX, "struct config has no room for more options");

size_t config_option_count(void)
{
    return OPTIONS;
}

const struct option *config_option_at(size_t index)
{
    return &options[index];
}

void config_free(struct config *config)
{
    if (!config)
        return;
    for (size_t i = 0; i < OPTIONS; i++)
        option_release(&options[i], config);
    free(config->file);
    free(config);
}

/* ---- Names, and where settings come from */

const char *config_option_name(const struct option *option, char space[CONFIG_NAME_SIZE])
{
    snprintf(space, CONFIG_NAME_SIZE, "%s.%s", option->section, option->key);
    return space;
}

const char *config_option_variable(const struct option *option, char space[CONFIG_NAME_SIZE])
{
    snprintf(space, CONFIG_NAME_SIZE, CONFIG_ENV_PREFIX "%s_%s", option->section, option->key);
    for (char *c = space; *c; c++)
        *c = (char)toupper((unsigned char)*c);
    return space;
}

struct config_origin config_origin_of(const struct config *config, const char *section,
                                      const char *key)
{
    size_t i = 0;

    while (strcmp(options[i].section, section) != 0 || strcmp(options[i].key, key) != 0)
        i++;
    return config->origin[i];
}

const char *config_option_origin(const struct config *config, const struct option *option,
                                 char space[CONFIG_ORIGIN_SIZE])
{
    const struct config_origin *origin = &config->origin[option - options];
    char variable[CONFIG_NAME_SIZE];

    switch (origin->source) {
    case CONFIG_DEFAULT:
        return "default";
    case CONFIG_FILE:
        snprintf(space, CONFIG_ORIGIN_SIZE, "%.300s:%d", config->file, origin->line);
        break;
    case CONFIG_ENVIRONMENT:
        snprintf(space, CONFIG_ORIGIN_SIZE, "environment variable %s",
                 config_option_variable(option, variable));
        break;
    case CONFIG_COMMAND_LINE:
        return "-o";
    case CONFIG_INHERITED:
        return "socket unit";
    }
    return space;
}

const char *config_option_prefix(const struct config *config, const struct option *option,
                                 char space[CONFIG_ORIGIN_SIZE])
{
    size_t length;

    switch (config->origin[option - options].source) {
    case CONFIG_DEFAULT:
        return "default ";
    case CONFIG_COMMAND_LINE:
        return "-o ";
    case CONFIG_INHERITED:
        return "socket unit: ";
    default:
        config_option_origin(config, option, space);
        length = strlen(space);
        snprintf(space + length, CONFIG_ORIGIN_SIZE - length, ": ");
        return space;
    }
}

const char *config_prefix(const struct config *config, const char *name,
                          char space[CONFIG_ORIGIN_SIZE])
{
    char each[CONFIG_NAME_SIZE];

    for (size_t i = 0; i < OPTIONS; i++)
        if (strcmp(config_option_name(&options[i], each), name) == 0)
            return config_option_prefix(config, &options[i], space);
    return "";
}

bool config_refuse(const struct config *config, const char *name, char error[CONFIG_ERROR_SIZE],
                   const char *format, ...)
{
    char prefix[CONFIG_ORIGIN_SIZE];
    int problem = errno;
    int length =
        snprintf(error, CONFIG_ERROR_SIZE, "%s%s: ", config_prefix(config, name, prefix), name);
    va_list args;

    va_start(args, format);
    vsnprintf(error + length, CONFIG_ERROR_SIZE - (size_t)length, format, args);
    va_end(args);
    errno = problem;
    return false;
}

/* ---- Comparing and copying */

void config_restart_needed(const struct config *running, const struct config *fresh,
                           void (*changed)(void *ctx, const struct config_change *change),
                           void *ctx)
{
    for (size_t i = 0; i < OPTIONS; i++) {
        const struct option *option = &options[i];
        char in_force[OPTION_SHOWN_SIZE], waiting[OPTION_SHOWN_SIZE], prefix[CONFIG_ORIGIN_SIZE];
        if (option->reloadable || option_equal(option, running, fresh))
            continue;
        changed(ctx, &(struct config_change){
                         .section = option->section,
                         .key = option->key,
                         .in_force = option_show(option, running, in_force),
                         .waiting = option_show(option, fresh, waiting),
                         .prefix = config_option_prefix(fresh, option, prefix),
                     });
    }
}

void config_adopt(struct config *running, const struct config *fresh)
{
    for (size_t i = 0; i < OPTIONS; i++) {
        const struct option *option = &options[i];
        char space[OPTION_TEXT_SIZE], expected[OPTION_EXPECTED_SIZE];
        if (option->reloadable)
            option_set(option, running, option_format(option, fresh, space), expected);
    }
}

/* ---- Printing */

void config_each(const struct config *config,
                 void (*each)(void *ctx, const char *section, const char *key, const char *value),
                 void *ctx)
{
    for (size_t i = 0; i < OPTIONS; i++) {
        const struct option *option = &options[i];
        char space[OPTION_SHOWN_SIZE];
        each(ctx, option->section, option->key, option_show(option, config, space));
    }
}

void config_print(const struct config *config, FILE *out)
{
    const char *section = "";

    for (size_t i = 0; i < OPTIONS; i++) {
        const struct option *option = &options[i];
        char space[OPTION_SHOWN_SIZE], origin[CONFIG_ORIGIN_SIZE];
        if (strcmp(option->section, section) != 0)
            fprintf(out, "%s[%s]\n", section[0] ? "\n" : "", option->section);
        section = option->section;
        fprintf(out, "%s = %s  ; %s\n", option->key, option_show(option, config, space),
                config_option_origin(config, option, origin));
    }
}

void config_print_options(FILE *out)
{
    for (size_t i = 0; i < OPTIONS; i++) {
        const struct option *option = &options[i];
        char name[CONFIG_NAME_SIZE];
        fprintf(out, "  %-31s %-18s %s\n", config_option_name(option, name),
                option->default_value[0] ? option->default_value : "(empty)", option->help);
    }
}
