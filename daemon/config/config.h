/* SPDX-License-Identifier: MIT */
/* The settings: a table of options, set from the defaults, the file, the environment and the command
 * line, in this order. Strict: anything not understood is an error that says where it is and what was
 * expected. */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include "p0fclient.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Durations are in milliseconds. Strings are owned by the struct and never NULL. Not locked: one thread
 * at a time, or any number that only read. */
struct config {
    struct {
        char *listen;
        uint32_t threads; /* 0: one per processor */
        uint32_t max_connections;
        int64_t idle_timeout;
        uint32_t max_batch;
        bool allow_unauthenticated;
        char *trusted_proxies;
        char *server_names;
        char *cors_origins;
        bool access_log;
    } http;
    struct {
        char *socket;
        enum p0f_dialect dialect;
        uint32_t connections;
        uint32_t pipeline;
        int64_t timeout;
        uint32_t max_pending;
        uint32_t max_rate;
        uint32_t max_repeat_rate;
        uint32_t max_repeat_rate_per_client;
        int64_t first_contact_wait;
    } p0f;
    struct {
        int64_t ttl;
        int64_t incomplete_ttl;
        int64_t negative_ttl;
        int64_t stale_while_revalidate;
        int64_t stale_if_error;
        uint32_t max_hosts;
        uint32_t max_misses;
    } cache;
};

struct config_source {
    const char *file;      /* NULL: no file */
    char *const *environ;  /* NULL: no environment */
    char *const *override; /* "section.key=value" */
    size_t override_count;
    const char *later_file; /* without `file`: read if it exists by now; may be NULL */
};

#define CONFIG_ERROR_SIZE 768

/* Reads all sources. The caller owns the result. NULL with a message in `error`; errno is ENOMEM when
 * out of memory, and EINVAL otherwise. Not reentrant. */
struct config *config_load(const struct config_source *source, char error[CONFIG_ERROR_SIZE]);

/* No-op on NULL. */
void config_free(struct config *config);

/* Calls `changed` with "section.key" for each option that differs and needs a restart. */
void config_restart_needed(const struct config *before, const struct config *after,
                           void (*changed)(const char *name));

/* Copies the options that need no restart from `fresh`. One whose memory runs out keeps its value. */
void config_adopt(struct config *running, const struct config *fresh);

/* Calls `each` for every option, in the order of the table, with its value as it could be written in
 * the file. `value` is valid during the call, `section` and `key` for ever. */
void config_each(const struct config *config,
                 void (*each)(void *ctx, const char *section, const char *key, const char *value),
                 void *ctx);

/* Prints all options with their defaults, for --help. */
void config_print_options(FILE *out);

#endif
