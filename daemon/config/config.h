/* SPDX-License-Identifier: MIT */
/* The settings: one table of options, filled from the defaults, the file, the environment and the
 * command line, in this order. Strict: what is not understood is an error that says where it stands
 * and what was expected. */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include "p0fclient.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Durations are in milliseconds. Texts belong to the struct and are never NULL. */
struct config {
    struct {
        char *listen;
        uint32_t threads; /* 0: one for each processor */
        uint32_t max_connections;
        int64_t idle_timeout;
        uint32_t max_batch;
        char *token_file;
        char *tls_certificate;
        char *tls_key;
        bool allow_unauthenticated;
        char *trusted_proxies;
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
    const char *later_file; /* read without a `file`, once it is there; may be NULL */
};

#define CONFIG_ERROR_SIZE 768

/* NULL with a message for a person in `error` when any of it is not understood; errno is EINVAL then,
 * and ENOMEM when only memory was missing. */
struct config *config_load(const struct config_source *source, char error[CONFIG_ERROR_SIZE]);
void config_free(struct config *config);

/* Calls `changed` with "section.key" for each option that differs and needs a restart. */
void config_restart_needed(const struct config *before, const struct config *after,
                           void (*changed)(const char *name));

/* Takes over from `fresh` what needs no restart. */
void config_adopt(struct config *running, const struct config *fresh);

/* Calls `each` for every option, in the order of the table, with its value as it could stand in the
 * file. `value` is good for the time of the call, the other two for ever. Files that hold secrets are
 * named, not read. */
void config_each(const struct config *config,
                 void (*each)(void *ctx, const char *section, const char *key, const char *value),
                 void *ctx);

/* The table of all options with their defaults, for --help. */
void config_print_options(FILE *out);

#endif
