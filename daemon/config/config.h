/* SPDX-License-Identifier: MIT */
/* The settings: a table of options, set from the defaults, the file, the environment, the command line and
 * the inherited sockets, in this order. Strict: anything not understood is an error that says where it is
 * and what was expected. */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include "net/inherited_sockets.h"
#include "p0fclient.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define CONFIG_OPTIONS_MAX 64
#define CONFIG_ORIGIN_SIZE 320

struct config_origin {
    enum {
        CONFIG_DEFAULT,
        CONFIG_FILE,
        CONFIG_ENVIRONMENT,
        CONFIG_COMMAND_LINE,
        CONFIG_INHERITED
    } source;
    int line; /* of the file */
};

/* Durations are in milliseconds. Strings are owned by the struct and never NULL. Not locked: one thread
 * at a time, or any number that only read. */
struct config {
    struct {
        char *listen;     /* "": nowhere without TLS */
        char *tls_listen; /* "": nowhere with TLS */
        char *tls_certificate;
        char *tls_key;
        uint32_t socket_mode;
        char *socket_group; /* "": that of the daemon */
        uint32_t threads;   /* 0: one per processor */
        uint32_t max_connections;
        int64_t idle_timeout;
        uint32_t max_batch;
        char *token_file; /* "": nobody needs a token */
        bool allow_unauthenticated;
        char *trusted_proxies;
        char *client_header;
        bool proxy_protocol;
        char *server_names;
        char *cors_origins;
        bool access_log;
    } http;
    struct {
        char *socket; /* as in net/sensor_sockets.h */
        enum p0f_dialect dialect;
        uint32_t connections;
        uint32_t pipeline;
        int64_t timeout;
        bool ready_any; /* one of several p0fs is enough for /readyz */
        uint32_t max_pending;
        uint32_t max_rate;
        uint32_t max_repeat_rate;
        uint32_t max_repeat_rate_per_client;
        int64_t first_contact_wait;
    } p0f;
    struct {
        char *listen; /* "": no relay */
        uint32_t socket_mode;
        char *socket_group; /* "": that of the daemon */
        uint32_t max_connections;
    } relay;
    struct {
        int64_t ttl;
        int64_t incomplete_ttl;
        int64_t negative_ttl;
        int64_t stale_while_revalidate;
        int64_t stale_if_error;
        uint32_t max_hosts;
        uint32_t max_misses;
    } cache;
    struct {
        char *server; /* "": no shared tier. As in net/redis_url.h, with passwords */
        char *sensor; /* "": the host name */
        char *prefix;
        int64_t ttl;
        int64_t timeout;
        int64_t write_interval;
    } share;
    char *file;                                      /* that was read, or NULL */
    struct config_origin origin[CONFIG_OPTIONS_MAX]; /* for config_prefix() */
};

struct config_source {
    const char *file;      /* NULL: no file */
    char *const *environ;  /* NULL: no environment */
    char *const *override; /* "section.key=value" */
    size_t override_count;
    const struct inherited_sockets *inherited; /* NULL: none. Wins over all others */
    const char *later_file; /* without `file`: read if it exists by now; may be NULL */
};

#define CONFIG_ERROR_SIZE 1024

/* Reads all sources. The caller owns the result. NULL with a message in `error`; errno is ENOMEM when
 * out of memory, EAGAIN if the file may be read at the next try (see core/small_file.h), and EINVAL
 * otherwise. Logs a warning about a variable of the environment that looks
 * like a mistyped setting. Not reentrant. */
struct config *config_load(const struct config_source *source, char error[CONFIG_ERROR_SIZE]);

/* No-op on NULL. */
void config_free(struct config *config);

/* What a message about the setting "section.key" begins with: where config_load() has read it, as in
 * "FILE:LINE: ", "environment variable P0F_LOOKUPD_SECTION_KEY: ", "-o ", "socket unit: " or "default ". The
 * text is static or in `space`. */
const char *config_prefix(const struct config *config, const char *name,
                          char space[CONFIG_ORIGIN_SIZE]);

struct config_change {
    const char *section;
    const char *key;
    const char *in_force; /* as written in the file, but without passwords, as is the next */
    const char *waiting;
    const char *prefix; /* of the one that waits, as of config_prefix() */
};

/* Calls `changed` for each option that differs and needs a restart. What `change` points to is valid
 * during the call; `section` and `key` for ever. */
void config_restart_needed(const struct config *running, const struct config *fresh,
                           void (*changed)(void *ctx, const struct config_change *change),
                           void *ctx);

/* Copies the options that need no restart from `fresh`, but not where they come from. One whose memory
 * runs out keeps its value. */
void config_adopt(struct config *running, const struct config *fresh);

/* Calls `advise` for each setting that is valid, but will probably do harm. */
void config_advise(const struct config *config, void (*advise)(const char *text));

/* Calls `each` for every option, in the order of the table, with its value as it could be written in
 * the file, but without passwords. `value` is valid during the call, `section` and `key` for ever. */
void config_each(const struct config *config,
                 void (*each)(void *ctx, const char *section, const char *key, const char *value),
                 void *ctx);

/* Prints all settings as a file that config_load() reads back, but without passwords, each with its origin in a comment. */
void config_print(const struct config *config, FILE *out);

/* Prints all options with their defaults, for --help. */
void config_print_options(FILE *out);

#endif
