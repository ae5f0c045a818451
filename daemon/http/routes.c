/* SPDX-License-Identifier: MIT */
#include "http/routes.h"

#include "http/forward_auth.h"
#include "http/host.h"
#include "http/hosts.h"
#include "http/ops.h"
#include "http/respond.h"
#include "http/self.h"

static enum MHD_Result serve_not_found(struct request *request)
{
    const char *detail = request->target.detail;

    return respond_problem(request, PROBLEM_NOT_FOUND, NULL, "%s",
                           detail[0] ? detail : "no such resource; see /");
}

/* To add a path, add a row here and a file with its handler. The order is that of the index and of the
 * metrics. */
static const struct route rows[] = {
    {
        .path = "/host/{ip}",
        .summary = "what p0f knows about a host; ?format=parsed|raw&wait=0..5000",
        .get = serve_host,
        .parameters = ROUTE_IP | ROUTE_FORMAT | ROUTE_WAIT,
        .needs = PERMIT_LOOKUP,
        .metrics = {"/host", {200, 304, 400, 401, 403, 404, 502, 503, 504}},
    },
    {
        .path = "/hosts",
        .summary = "POST addresses, in a JSON array or on lines: what p0f knows about each",
        .post = serve_hosts,
        .post_begin = hosts_begin,
        .post_take = hosts_take,
        .parameters = ROUTE_FORMAT | ROUTE_WAIT,
        .needs = PERMIT_LOOKUP,
        .metrics = {"/hosts", {200, 400, 401, 403, 408, 413, 415, 503}},
    },
    {
        .path = "/self",
        .summary = "what p0f knows about the client",
        .get = serve_self,
        .parameters = ROUTE_FORMAT | ROUTE_WAIT,
        .needs = PERMIT_SELF,
        .metrics = {"/self", {200, 304, 400, 401, 403, 404, 502, 503, 504}},
    },
    {
        .path = "/forward-auth",
        .proxied = true,
        .summary = "the same in header fields; always 200",
        .any = serve_forward_auth,
        .needs = PERMIT_SELF,
        .metrics = {"/forward-auth", {200, 401, 403}},
    },
    {
        .path = "/livez",
        .summary = "200 while the process serves requests",
        .get = serve_livez,
        .metrics = {"/livez", {200}},
    },
    {
        .path = "/readyz",
        .summary = "200 while p0f answers, else 503 with the reason; ?stale=ok",
        .get = serve_readyz,
        .parameters = ROUTE_STALE,
        .needs = PERMIT_METRICS,
        .metrics = {"/readyz", {200, 400, 401, 403, 503}},
    },
    {
        .path = "/metrics",
        .summary = "counters and latencies for Prometheus",
        .get = serve_metrics,
        .needs = PERMIT_METRICS,
        .metrics = {"/metrics", {200, 401, 403}},
    },
    {
        .path = "/status",
        .summary = "current state: settings, cache, connections to p0f",
        .get = serve_status,
        .needs = PERMIT_METRICS,
        .metrics = {"/status", {200, 401, 403}},
    },
    {
        .path = "/openapi.json",
        .summary = "description of this API in OpenAPI 3.1",
        .get = serve_openapi,
        .needs = PERMIT_ANY,
        .metrics = {"/openapi.json", {200, 401}},
    },
    {
        .path = "/",
        .summary = "this list",
        .get = serve_index,
        .needs = PERMIT_ANY,
        .metrics = {"/", {200, 401}},
    },
    {
        /* The server as a whole, for OPTIONS: it has the methods of all paths. */
        .path = "*",
        .get = serve_not_found,
        .post = respond_method_not_allowed,
        .needs = PERMIT_ANY,
    },
    {
        /* Any other path. */
        .path = "",
        .any = serve_not_found,
        .needs = PERMIT_ANY,
        .metrics = {"none", {401, 404}},
    },
};

const struct route_table routes = {rows, sizeof rows / sizeof rows[0]};

_Static_assert(sizeof rows / sizeof rows[0] <= METRICS_ROUTES, "each route is counted by itself");
