/* SPDX-License-Identifier: MIT */
#include "config/config.h"

#include "config/ini_file.h"
#include "config/option.h"

#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DAY_MS (INT64_C(24) * 60 * 60 * 1000)
#define YEAR_MS (365 * DAY_MS)
#define FIELD(section, key) offsetof(struct config, section.key)

#define ENV_PREFIX "P0F_LOOKUPD_"
#define LISTED_BY_HELP "p0f-lookupd -h lists all keys"

/* clang-format off */
static const struct option options[] = {
    {"http", "listen", OPTION_LISTEN, FIELD(http, listen), "127.0.0.1:5030", 0, 0, false,
     "where to listen: host:port, [IPv6]:port or unix:/path, comma-separated"},
    {"http", "threads", OPTION_AUTO, FIELD(http, threads), "auto", 1, 256, false,
     "number of worker threads; auto is one per processor"},
    {"http", "max_connections", OPTION_COUNT, FIELD(http, max_connections), "10000", 1, 1000000, false,
     "maximum number of open connections"},
    {"http", "idle_timeout", OPTION_DURATION, FIELD(http, idle_timeout), "60s", 1000, YEAR_MS, false,
     "close a connection that has been idle for this long"},
    {"http", "max_batch", OPTION_COUNT, FIELD(http, max_batch), "1000", 1, 1000000, false,
     "maximum number of addresses in one POST /hosts"},
    {"http", "allow_unauthenticated", OPTION_BOOLEAN, FIELD(http, allow_unauthenticated), "no", 0, 0, false,
     "allow listening where other hosts can connect, without authentication"},
    {"http", "trusted_proxies", OPTION_NETWORKS, FIELD(http, trusted_proxies), "127.0.0.0/8, ::1", 0, 0, false,
     "proxies whose X-Forwarded-For is trusted: networks, comma-separated"},
    {"http", "server_names", OPTION_SERVER_NAMES, FIELD(http, server_names), "", 0, 0, false,
     "names in Host that are answered, comma-separated; empty for all"},
    {"http", "cors_origins", OPTION_ORIGINS, FIELD(http, cors_origins), "", 0, 0, false,
     "web origins that may read responses, comma-separated, or * for all"},
    {"http", "access_log", OPTION_BOOLEAN, FIELD(http, access_log), "no", 0, 0, false,
     "log every request"},

    {"p0f", "socket", OPTION_PATH, FIELD(p0f, socket), P0F_DEFAULT_SOCKET, 1, 107, false,
     "path of p0f's API socket (p0f -s)"},
    {"p0f", "dialect", OPTION_DIALECT, FIELD(p0f, dialect), "auto", 0, 0, false,
     "variant of p0f's API: auto, p0f3, mtu, mss or api2"},
    {"p0f", "connections", OPTION_COUNT, FIELD(p0f, connections), "4", 1, 100, false,
     "connections to p0f, which accepts 20 in all by default (p0f -S)"},
    {"p0f", "pipeline", OPTION_COUNT, FIELD(p0f, pipeline), "16", 1, 1024, false,
     "maximum number of queries in flight on each connection"},
    {"p0f", "timeout", OPTION_DURATION, FIELD(p0f, timeout), "1s", 1, DAY_MS, true,
     "how long a request waits for p0f"},
    {"p0f", "max_pending", OPTION_COUNT, FIELD(p0f, max_pending), "10000", 1, 1000000, true,
     "maximum number of pending lookups; more are refused with 503"},
    {"p0f", "max_rate", OPTION_COUNT, FIELD(p0f, max_rate), "0", 0, 1000000000, true,
     "maximum number of queries per second; 0 is no limit"},
    {"p0f", "max_repeat_rate", OPTION_COUNT, FIELD(p0f, max_repeat_rate), "20000", 0, 1000000000, true,
     "how many of these may repeat a recent query; 0 is no limit"},
    {"p0f", "max_repeat_rate_per_client", OPTION_COUNT, FIELD(p0f, max_repeat_rate_per_client), "2000", 0, 1000000000, true,
     "the same for each client; 0 is no limit"},
    {"p0f", "first_contact_wait", OPTION_DURATION, FIELD(p0f, first_contact_wait), "25ms", 0, 5000, true,
     "how long \"no match\" is retried before it is believed"},

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
};
/* clang-format on */

#define OPTIONS (sizeof options / sizeof options[0])

/* NULL when there is none. */
static const struct option *find_option(const char *section, size_t section_length, const char *key)
{
    for (size_t i = 0; i < OPTIONS; i++)
        if (strlen(options[i].section) == section_length &&
            memcmp(options[i].section, section, section_length) == 0 &&
            strcmp(options[i].key, key) == 0)
            return &options[i];
    return NULL;
}

static bool is_section(const char *name)
{
    for (size_t i = 0; i < OPTIONS; i++)
        if (strcmp(options[i].section, name) == 0)
            return true;
    return false;
}

struct loading {
    struct config *config;
    char *error; /* CONFIG_ERROR_SIZE */
    bool no_memory;
    const char *path;   /* of the file, NULL without one */
    int lines[OPTIONS]; /* of it that set each option; 0: none */
};

static bool fail_for_memory(struct loading *loading)
{
    snprintf(loading->error, CONFIG_ERROR_SIZE, "out of memory");
    loading->no_memory = true;
    return false;
}

/* `origin` is the start of the message. */
static bool set_option(struct loading *loading, const char *origin, const struct option *option,
                       const char *value)
{
    char expected[OPTION_EXPECTED_SIZE];

    errno = 0;
    if (option_set(option, loading->config, value, expected))
        return true;
    if (errno == ENOMEM)
        return fail_for_memory(loading);
    snprintf(loading->error, CONFIG_ERROR_SIZE, "%s%s.%s = %.60s: expected %s", origin,
             option->section, option->key, value, expected);
    return false;
}

static bool set_defaults(struct loading *loading)
{
    for (size_t i = 0; i < OPTIONS; i++)
        if (!set_option(loading, "default ", &options[i], options[i].default_value))
            return false;
    return true;
}

/* ---- The file */

static bool load_section(void *ctx, int line, const char *section)
{
    struct loading *loading = ctx;

    if (is_section(section))
        return true;
    snprintf(loading->error, CONFIG_ERROR_SIZE,
             "%.300s:%d: unknown section %.80s: expected http, p0f or cache", loading->path, line,
             section);
    return false;
}

static bool load_setting(void *ctx, int line, const char *section, const char *key,
                         const char *value)
{
    struct loading *loading = ctx;
    const struct option *option = find_option(section, strlen(section), key);
    char origin[320];

    snprintf(origin, sizeof origin, "%.300s:%d: ", loading->path, line);
    if (!option) {
        snprintf(loading->error, CONFIG_ERROR_SIZE, "%sunknown key %.60s%s%.80s; " LISTED_BY_HELP,
                 origin, section, section[0] ? "." : "", key);
        return false;
    }
    int *set_before = &loading->lines[option - options];
    if (*set_before) {
        snprintf(loading->error, CONFIG_ERROR_SIZE, "%sduplicate key %s.%s: already set on line %d",
                 origin, section, key, *set_before);
        return false;
    }
    *set_before = line;
    return set_option(loading, origin, option, value);
}

static bool load_file(struct loading *loading)
{
    const struct ini_file_reader reader = {
        .section = load_section, .setting = load_setting, .ctx = loading};

    if (ini_file_read(loading->path, &reader, loading->error))
        return true;
    loading->no_memory |= errno == ENOMEM;
    return false;
}

/* ---- The environment and the command line */

static bool load_variable(struct loading *loading, const char *variable)
{
    const char *value = strchr(variable, '=');
    char name[64], origin[128];

    if (!value)
        return true;
    snprintf(origin, sizeof origin, "environment variable %.*s: ", (int)(value - variable),
             variable);
    snprintf(name, sizeof name, "%.*s", (int)(value - variable), variable);
    for (char *c = name; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    const char *section = name + strlen(ENV_PREFIX), *underscore = strchr(section, '_');
    const struct option *option =
        underscore ? find_option(section, (size_t)(underscore - section), underscore + 1) : NULL;
    if (option)
        return set_option(loading, origin, option, value + 1);
    snprintf(loading->error, CONFIG_ERROR_SIZE,
             "%sunknown key: expected " ENV_PREFIX "SECTION_KEY; " LISTED_BY_HELP, origin);
    return false;
}

static bool load_environment(struct loading *loading, char *const *environment)
{
    for (; environment && *environment; environment++)
        if (strncmp(*environment, ENV_PREFIX, strlen(ENV_PREFIX)) == 0 &&
            !load_variable(loading, *environment))
            return false;
    return true;
}

static bool load_override(struct loading *loading, const char *text)
{
    const char *value = strchr(text, '=');
    const char *dot = strchr(text, '.');
    char key[64];

    if (!value || !dot || dot > value) {
        snprintf(loading->error, CONFIG_ERROR_SIZE, "-o %.80s: expected section.key=value", text);
        return false;
    }
    snprintf(key, sizeof key, "%.*s", (int)(value - dot - 1), dot + 1);
    const struct option *option = find_option(text, (size_t)(dot - text), key);
    if (!option) {
        snprintf(loading->error, CONFIG_ERROR_SIZE, "-o %.80s: unknown key; " LISTED_BY_HELP, text);
        return false;
    }
    return set_option(loading, "-o ", option, value + 1);
}

/* ---- Loading */

static bool load_all(struct loading *loading, const struct config_source *source)
{
    if (!set_defaults(loading) || (loading->path && !load_file(loading)) ||
        !load_environment(loading, source->environ))
        return false;
    for (size_t i = 0; i < source->override_count; i++)
        if (!load_override(loading, source->override[i]))
            return false;
    return true;
}

static const char *file_of(const struct config_source *source)
{
    if (!source->file && source->later_file && access(source->later_file, F_OK) == 0)
        return source->later_file;
    return source->file;
}

struct config *config_load(const struct config_source *source, char error[CONFIG_ERROR_SIZE])
{
    struct config *config = calloc(1, sizeof *config);
    struct loading loading = {.config = config, .error = error, .path = file_of(source)};
    bool good = config ? load_all(&loading, source) : fail_for_memory(&loading);

    if (good)
        return config;
    config_free(config);
    errno = loading.no_memory ? ENOMEM : EINVAL;
    return NULL;
}

void config_free(struct config *config)
{
    for (size_t i = 0; config && i < OPTIONS; i++)
        option_release(&options[i], config);
    free(config);
}

/* ---- Comparing, copying and printing */

void config_restart_needed(const struct config *before, const struct config *after,
                           void (*changed)(const char *name))
{
    for (size_t i = 0; i < OPTIONS; i++) {
        const struct option *option = &options[i];
        char name[128];
        if (option->reloadable || option_equal(option, before, after))
            continue;
        snprintf(name, sizeof name, "%s.%s", option->section, option->key);
        changed(name);
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

void config_each(const struct config *config,
                 void (*each)(void *ctx, const char *section, const char *key, const char *value),
                 void *ctx)
{
    for (size_t i = 0; i < OPTIONS; i++) {
        const struct option *option = &options[i];
        char space[OPTION_TEXT_SIZE];
        each(ctx, option->section, option->key, option_format(option, config, space));
    }
}

void config_print_options(FILE *out)
{
    for (size_t i = 0; i < OPTIONS; i++) {
        const struct option *option = &options[i];
        char name[64];
        snprintf(name, sizeof name, "%s.%s", option->section, option->key);
        fprintf(out, "  %-31s %-18s %s\n", name,
                option->default_value[0] ? option->default_value : "(empty)", option->help);
    }
}
