/* SPDX-License-Identifier: MIT */
#include "http/ops.h"

#include "http/openapi.h"
#include "http/respond.h"
#include "http/response.h"
#include "http/suspend.h"
#include "ops/prometheus.h"
#include "ops/readiness.h"
#include "ops/render_status.h"
#include "ops/status.h"
#include "json/render.h"

#include <stdlib.h>

/* The state at this moment, not to be stored. */
static enum MHD_Result respond_uncached(struct request *request, struct MHD_Response *response)
{
    response_add(&response, "Cache-Control", "no-store");
    return respond(request, MHD_HTTP_OK, response);
}

/* ---- What needs no other thread */

enum MHD_Result serve_livez(struct request *request)
{
    static const char body[] = "{\"status\":\"ok\"}\n";

    return respond_uncached(request, response_static(body, sizeof body - 1, RESPONSE_JSON));
}

/* A document that changes only with our version: clients keep it, and revalidate it with its ETag. */
static enum MHD_Result respond_document(struct request *request, const char *etag,
                                        struct MHD_Response *response)
{
    response_add(&response, "ETag", etag);
    response_add(&response, "Cache-Control", "no-cache");
    return respond(request, respond_status_for(request, etag), response);
}

enum MHD_Result serve_openapi(struct request *request)
{
    char etag[ETAG_SIZE];
    size_t length;
    const char *document = openapi_document(&length);

    host_record_etag(document, length, etag);
    return respond_document(request, etag, response_static(document, length, RESPONSE_JSON));
}

enum MHD_Result serve_index(struct request *request)
{
    const struct http_service *service = request->client->service;
    struct render_path paths[METRICS_ROUTES];
    char etag[ETAG_SIZE];
    size_t count = 0, length = 0;

    for (unsigned i = 0; i < service->routes->count; i++) {
        const struct route *route = &service->routes->rows[i];
        if (route->summary)
            paths[count++] = (struct render_path){route->path, route->summary};
    }
    char *text = render_index(service->version, paths, count, &length);
    if (!text)
        return MHD_NO;
    host_record_etag(text, length, etag);
    struct MHD_Response *response = response_owned(text, length, RESPONSE_JSON);
    response_add(&response, "Vary", "Accept");
    return respond_document(request, etag, response);
}

/* ---- What the loop's thread provides */

/* The state of such a request; on the heap, as few connections ever make one. */
struct ops_request {
    struct request *request;
    union {
        struct readiness_request readiness;
        struct status_request status;
    };
};

static struct ops_request *ops_request_new(struct request *request)
{
    struct ops_request *ops = calloc(1, sizeof *ops);

    if (ops)
        ops->request = request;
    request->state = ops;
    return ops;
}

/* ---- Readiness */

static void on_readiness(struct readiness_request *readiness)
{
    http_resume(
        ((struct ops_request *)((char *)readiness - offsetof(struct ops_request, readiness)))
            ->request);
}

static void release_readiness(struct request *request)
{
    free(request->state);
}

static enum MHD_Result respond_partly_ready(struct request *request, const char *status,
                                            const char *reason)
{
    size_t length = 0;
    char *text = render_readiness(status, reason, &length);

    return respond_uncached(request, response_owned(text, length, RESPONSE_JSON));
}

static enum MHD_Result respond_readiness(struct request *request)
{
    static const char body[] = "{\"status\":\"ready\"}\n";
    const struct readiness_request *readiness = &((struct ops_request *)request->state)->readiness;
    const struct http_service *service = request->client->service;

    if (readiness->ready && readiness->reason[0])
        return respond_partly_ready(request, "ready", readiness->reason);
    if (readiness->ready)
        return respond_uncached(request, response_static(body, sizeof body - 1, RESPONSE_JSON));
    if (!request->target.stale_ok ||
        atomic_load_explicit(&service->shutting_down, memory_order_relaxed))
        return respond_problem(request, PROBLEM_UNAVAILABLE, NULL, "%s", readiness->reason);
    if (lookup_has_servable(service->lookup))
        return respond_partly_ready(request, "stale", readiness->reason);
    return respond_problem(request, PROBLEM_UNAVAILABLE, NULL, "nothing usable is cached, and %s",
                           readiness->reason);
}

enum MHD_Result serve_readyz(struct request *request)
{
    struct ops_request *ops = ops_request_new(request);

    if (!ops)
        return MHD_NO;
    request->release = release_readiness;
    ops->readiness.done = on_readiness;
    http_suspend(request, respond_readiness);
    readiness_ask(request->client->service->readiness, &ops->readiness);
    return MHD_YES;
}

/* ---- Status and metrics */

static void on_status(struct status_request *status)
{
    http_resume(
        ((struct ops_request *)((char *)status - offsetof(struct ops_request, status)))->request);
}

static void release_status(struct request *request)
{
    struct ops_request *ops = request->state;

    status_snapshot_free(ops->status.snapshot);
    free(ops);
}

static enum MHD_Result gather(struct request *request,
                              enum MHD_Result (*finish)(struct request *request))
{
    struct ops_request *ops = ops_request_new(request);

    if (!ops)
        return MHD_NO;
    request->release = release_status;
    ops->status.done = on_status;
    http_suspend(request, finish);
    status_gather(request->client->service->status, &ops->status);
    return MHD_YES;
}

static const struct status_snapshot *snapshot_of(const struct request *request)
{
    const struct ops_request *ops = request->state;

    return ops->status.snapshot;
}

static enum MHD_Result respond_no_snapshot(struct request *request)
{
    if (!atomic_load_explicit(&request->client->service->shutting_down, memory_order_relaxed))
        return MHD_NO; /* there was no memory for one */
    return respond_problem(request, PROBLEM_UNAVAILABLE, NULL, "p0f-lookupd is shutting down");
}

static enum MHD_Result respond_status(struct request *request)
{
    const struct status_snapshot *snapshot = snapshot_of(request);
    size_t length = 0;

    if (!snapshot)
        return respond_no_snapshot(request);
    char *text = render_status(snapshot, &length);
    return respond_uncached(request, response_owned(text, length, RESPONSE_JSON));
}

enum MHD_Result serve_status(struct request *request)
{
    return gather(request, respond_status);
}

static struct prometheus_gauges gauges_of(const struct status_snapshot *snapshot)
{
    return (struct prometheus_gauges){
        .version = snapshot->version,
        .started = snapshot->started,
        .reload_successful = !snapshot->reload.error[0],
        .reloaded = snapshot->reload.succeeded,
        .sensors_count = snapshot->sensors_count,
        .sensors = snapshot->sensors,
        .share = snapshot->share,
        .pending = snapshot->lookups.pending,
        .pending_limit = snapshot->lookups.max_pending,
        .flights = snapshot->lookups.flights,
        .hosts = {.entries = snapshot->cache.hosts,
                  .limit = snapshot->max_hosts,
                  .bytes = snapshot->cache.hosts_bytes,
                  .inserted = snapshot->cache.inserted_hosts,
                  .evicted = snapshot->cache.evicted_hosts,
                  .removed = snapshot->cache.removed_hosts},
        .misses = {.entries = snapshot->cache.misses,
                   .limit = snapshot->max_misses,
                   .bytes = snapshot->cache.misses_bytes,
                   .inserted = snapshot->cache.inserted_misses,
                   .evicted = snapshot->cache.evicted_misses,
                   .removed = snapshot->cache.removed_misses},
    };
}

static enum MHD_Result respond_metrics(struct request *request)
{
    const struct http_service *service = request->client->service;
    const struct status_snapshot *snapshot = snapshot_of(request);
    struct metrics_snapshot counted;
    struct process process;
    size_t length = 0;

    if (!snapshot)
        return respond_no_snapshot(request);
    struct prometheus_gauges gauges = gauges_of(snapshot);
    if (snapshot->has_relay) {
        gauges.relay_connections = snapshot->relay.connections;
        gauges.relay_lookups = snapshot->relay.lookups;
    }
    gauges.has_tls = snapshot->has_tls;
    if (snapshot->has_tls)
        gauges.certificate_expiry = snapshot->tls.certificate.not_after;
    gauges.http_connections = connections_count(service->connections);
    for (unsigned i = 0; i < service->routes->count; i++)
        if (service->routes->rows[i].metrics.label)
            gauges.routes[i] = &service->routes->rows[i].metrics;
    metrics_read(&counted);
    process_read("/proc", &process);
    if (!process.open_fds_known) {
        process.open_fds = snapshot->open_fds;
        process.open_fds_known = snapshot->open_fds_known;
    }
    char *text = prometheus_text(&counted, &gauges, &process, &length);
    return respond_uncached(request, response_owned(text, length, METRICS_TEXT_TYPE));
}

enum MHD_Result serve_metrics(struct request *request)
{
    return gather(request, respond_metrics);
}
