/* SPDX-License-Identifier: MIT */
#include "reload.h"

#include "config/config_check.h"
#include "config/tls_files.h"
#include "config/token_file.h"
#include "core/log.h"
#include "systemd.h"

#include <string.h>

/* What is read again. */
struct fresh {
    struct config *config;
    struct tls_certificate *certificate; /* NULL: not used */
    struct tokens *tokens;               /* NULL: not used */
};

static const char *visible(const char *value)
{
    return *value ? value : "(empty)";
}

static void warn_restart_needed(void *ctx, const struct config_change *change)
{
    (void)ctx;
    if (strcmp(change->waiting, change->in_force) == 0) {
        log_warnx("%s%s.%s has another password, which needs a restart; the old one stays in force",
                  change->prefix, change->section, change->key);
        return;
    }
    log_warnx("%s%s.%s = %s needs a restart; %s stays in force", change->prefix, change->section,
              change->key, visible(change->waiting), visible(change->in_force));
}

static void log_warning(const char *text)
{
    log_warnx("%s", text);
}

/* The addresses must be good for the next start, except that names and the group are not looked up here:
 * that could take long. */
static bool load_fresh(const struct config_source *source, struct fresh *fresh,
                       char error[CONFIG_ERROR_SIZE])
{
    *fresh = (struct fresh){.config = config_load(source, error)};
    if (!fresh->config)
        return false;
    if (config_check(fresh->config, false, error) &&
        token_file_load(fresh->config, &fresh->tokens, error) &&
        tls_files_load(fresh->config, &fresh->certificate, error))
        return true;
    tokens_unref(fresh->tokens);
    config_free(fresh->config);
    return false;
}

/* Another file of tokens needs a restart. */
static void adopt_tokens(struct modules *modules, const struct config *config,
                         const struct fresh *fresh)
{
    if (strcmp(config->http.token_file, fresh->config->http.token_file) == 0)
        modules_replace_tokens(modules, fresh->tokens);
    else
        tokens_unref(fresh->tokens);
}

static void adopt_certificate(struct modules *modules, const struct fresh *fresh)
{
    tls_files_warn(fresh->config, fresh->certificate, clock_wall(), log_warning);
    modules_replace_certificate(modules, fresh->certificate);
}

static void fail_reload(struct modules *modules, const char *error)
{
    log_errx("%s; the old settings stay in force", error);
    status_reload_failed(modules->status, error);
    systemd_notify_ready(error);
}

void reload_settings(struct config *config, const struct config_source *source,
                     struct modules *modules)
{
    char error[CONFIG_ERROR_SIZE];
    struct fresh fresh;

    systemd_notify_reloading();
    if (!load_fresh(source, &fresh, error)) {
        fail_reload(modules, error);
        return;
    }
    config_restart_needed(config, fresh.config, warn_restart_needed, NULL);
    config_adopt(config, fresh.config); /* limits still follow from what needs a restart */
    if (!modules_apply(modules, config, fresh.config))
        log_warnx("out of memory: the new settings are in force, but /status shows the old ones");
    adopt_tokens(modules, config, &fresh);
    adopt_certificate(modules, &fresh);
    config_free(fresh.config);
    status_reloaded(modules->status, clock_wall());
    log_info("settings reloaded");
    systemd_notify_ready(NULL);
}
