/* SPDX-License-Identifier: MIT */
#include "ops/status.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

struct status {
    struct status_options options;
    struct boottime began;
    struct config_snapshot *configuration;
    struct status_reload reload;
    const struct descriptors *descriptors; /* or NULL */
    status_relay_fn *relay;                /* or NULL */
    void *relay_ctx;
    struct tls_current *certificate; /* or NULL */
    const char *tls_listen;
    _Atomic uint32_t pending;
    _Atomic bool closed;
};

static void finish_status(struct status_request *request)
{
    struct status *status = request->status;

    request->done(request); /* not ours any more */
    atomic_fetch_sub(&status->pending, 1);
}

static void take_tls(const struct status *status, struct status_snapshot *snapshot)
{
    snapshot->has_tls = status->certificate != NULL;
    if (!status->certificate)
        return;
    struct tls_certificate *certificate = tls_current_get(status->certificate);
    snapshot->tls.listen = status->tls_listen;
    snapshot->tls.certificate = *tls_certificate_facts(certificate);
    tls_certificate_unref(certificate);
}

static void take_sensors(const struct sensors *sensors, struct status_snapshot *snapshot)
{
    for (unsigned i = 0; i < snapshot->sensors_count; i++) {
        snapshot->sensors[i].name = sensors_name(sensors, i);
        pool_status(sensors_pool(sensors, i), &snapshot->sensors[i].pool);
    }
}

static void take_snapshot(void *ctx)
{
    struct status_request *request = ctx;
    struct status_snapshot *snapshot = request->snapshot;
    const struct status *status = request->status;
    const struct status_options *options = &status->options;

    snapshot->version = options->version;
    snapshot->started = options->started;
    snapshot->uptime = boottime_ms_between(status->began, options->boottime());
    snapshot->configuration = config_snapshot_ref(status->configuration);
    snapshot->reload = status->reload;
    snapshot->cache = recall_counts(options->recall);
    snapshot->max_hosts = options->max_hosts;
    snapshot->max_misses = options->max_misses;
    snapshot->lookups = lookup_counts(options->lookup);
    take_sensors(options->sensors, snapshot);
    if (options->share)
        share_status(options->share, snapshot->share);
    snapshot->has_relay = status->relay != NULL;
    if (status->relay)
        status->relay(status->relay_ctx, &snapshot->relay);
    take_tls(status, snapshot);
    snapshot->open_fds_known =
        status->descriptors && descriptors_count(status->descriptors, &snapshot->open_fds);
    finish_status(request);
}

/* Allocated in the thread that asks, not in the loop's. NULL when out of memory. */
static struct status_snapshot *snapshot_new(const struct status_options *options)
{
    struct status_snapshot *snapshot = calloc(1, sizeof *snapshot);

    if (!snapshot)
        return NULL;
    snapshot->sensors_count = sensors_count(options->sensors);
    snapshot->sensors = calloc(snapshot->sensors_count, sizeof *snapshot->sensors);
    if (options->share)
        snapshot->share = calloc(1, sizeof *snapshot->share);
    if (!snapshot->sensors || (options->share && !snapshot->share)) {
        status_snapshot_free(snapshot);
        return NULL;
    }
    return snapshot;
}

void status_gather(struct status *status, struct status_request *request)
{
    request->status = status;
    request->task = (struct loop_task){.run = take_snapshot, .ctx = request};
    request->snapshot = NULL;
    atomic_fetch_add(&status->pending,
                     1); /* before `closed` is read: whoever closed it waits for 0 */
    if (!status->closed)
        request->snapshot = snapshot_new(&status->options);
    if (request->snapshot)
        loop_post(status->options.loop, &request->task);
    else
        finish_status(request);
}

void status_snapshot_free(struct status_snapshot *snapshot)
{
    if (!snapshot)
        return;
    config_snapshot_unref(snapshot->configuration);
    free(snapshot->sensors);
    free(snapshot->share);
    free(snapshot);
}

void status_close(struct status *status)
{
    status->closed = true;
}

uint32_t status_pending(const struct status *status)
{
    return status->pending;
}

void status_set_configuration(struct status *status, struct config_snapshot *snapshot)
{
    config_snapshot_unref(status->configuration);
    status->configuration = snapshot;
}

void status_reloaded(struct status *status, int64_t now)
{
    status->reload = (struct status_reload){.succeeded = now};
}

void status_reload_failed(struct status *status, const char *error)
{
    snprintf(status->reload.error, sizeof status->reload.error, "%s", error);
}

void status_set_descriptors(struct status *status, const struct descriptors *descriptors)
{
    status->descriptors = descriptors;
}

void status_set_relay(struct status *status, status_relay_fn *relay, void *ctx)
{
    status->relay = relay;
    status->relay_ctx = ctx;
}

void status_set_tls(struct status *status, struct tls_current *certificate, const char *listen)
{
    status->certificate = certificate;
    status->tls_listen = listen;
}

struct status *status_new(const struct status_options *options)
{
    struct status *status = calloc(1, sizeof *status);

    if (!status)
        return NULL;
    status->options = *options;
    status->began = options->boottime();
    status_reloaded(status, options->started);
    return status;
}

void status_free(struct status *status)
{
    if (!status)
        return;
    config_snapshot_unref(status->configuration);
    free(status);
}
