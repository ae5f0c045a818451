/* SPDX-License-Identifier: MIT */
#include "reload.h"

#include "config/config_listen.h"
#include "config/tls_files.h"
#include "core/log.h"
#include "systemd.h"

static void warn_restart_needed(void *ctx, const struct config_change *change)
{
    (void)ctx;
    log_warnx("%s%s.%s = %s needs a restart; %s stays in force", change->prefix, change->section,
              change->key, change->waiting, change->in_force);
}

/* The addresses must be good for the next start, except that names and the group are not looked up here:
 * that could take long. */
static struct config *load_fresh(const struct config_source *source,
                                 struct tls_certificate **certificate,
                                 char error[CONFIG_ERROR_SIZE])
{
    struct config *fresh = config_load(source, error);

    if (!fresh ||
        (config_listen_check(fresh, false, error) && tls_files_load(fresh, certificate, error)))
        return fresh;
    config_free(fresh);
    return NULL;
}

static void log_warning(const char *text)
{
    log_warnx("%s", text);
}

static void put_certificate_in_force(const struct config *fresh, struct modules *modules,
                                     struct tls_certificate *certificate)
{
    tls_files_warn(fresh, certificate, clock_wall(), log_warning);
    modules_replace_certificate(modules, certificate);
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
    struct tls_certificate *certificate = NULL;
    char error[CONFIG_ERROR_SIZE];

    systemd_notify_reloading();
    struct config *fresh = load_fresh(source, &certificate, error);
    if (!fresh) {
        fail_reload(modules, error);
        return;
    }
    put_certificate_in_force(fresh, modules, certificate);
    config_restart_needed(config, fresh, warn_restart_needed, NULL);
    config_adopt(config, fresh); /* limits still follow from what needs a restart */
    if (!modules_apply(modules, config, fresh))
        log_warnx("out of memory: the new settings are in force, but /status shows the old ones");
    config_free(fresh);
    status_reloaded(modules->status, clock_wall());
    log_info("settings reloaded");
    systemd_notify_ready(NULL);
}
