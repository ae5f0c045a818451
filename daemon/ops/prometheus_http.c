/* SPDX-License-Identifier: MIT */
#include "ops/prometheus_private.h"

#include <inttypes.h>

/* Expected statuses are exported from the start, so that rate() sees their first occurrence; others
 * from their first occurrence on. */
static bool is_expected(const struct metrics_route *route, unsigned code)
{
    for (const unsigned *at = route->expected; *at; at++)
        if (*at == code)
            return true;
    return false;
}

static void put_route(struct exposition *out, const char *name, const struct metrics_route *route,
                      const uint64_t counts[METRICS_CODES])
{
    for (unsigned column = 0; column < METRICS_CODES; column++) {
        unsigned code = metrics_code(column);
        if (counts[column] == 0 && !is_expected(route, code))
            continue;
        exposition_put(out, "%s{route=\"%s\",code=\"", name, route->label);
        if (code)
            exposition_put(out, "%u\"} %" PRIu64 "\n", code, counts[column]);
        else
            exposition_put(out, "other\"} %" PRIu64 "\n", counts[column]);
    }
}

static void put_requests(struct exposition *out, const struct metrics_snapshot *snapshot,
                         const struct prometheus_gauges *gauges)
{
    const char *name = PREFIX "http_requests_total";

    exposition_head(out, name, "counter", "HTTP requests answered, by route and status.");
    for (unsigned route = 0; route < METRICS_ROUTES; route++)
        if (gauges->routes[route])
            put_route(out, name, gauges->routes[route], snapshot->requests[route]);
}

static void put_http_connections(struct exposition *out, const struct metrics_snapshot *snapshot,
                                 const struct prometheus_gauges *gauges)
{
    exposition_single(out, PREFIX "http_connections", "gauge", "HTTP connections open.",
                      gauges->http_connections);
    exposition_single(
        out, PREFIX "http_connections_refused_total", "counter",
        "HTTP connections refused: http.max_connections were open, or the client had its share "
        "of them.",
        snapshot->counters[METRIC_HTTP_REFUSED]);
    exposition_single(out, PREFIX "http_connections_evicted_total", "counter",
                      "HTTP connections closed to make room for other clients.",
                      snapshot->counters[METRIC_HTTP_EVICTED]);
}

static void put_proxy_errors(struct exposition *out, const struct metrics_snapshot *snapshot)
{
    const char *name = PREFIX "http_proxy_protocol_errors_total";
    const uint64_t *counters = snapshot->counters;

    exposition_head(
        out, name, "counter",
        "Connections of trusted proxies closed without a valid PROXY header, or because too "
        "many were waiting for theirs.");
    exposition_labelled(out, name, "reason", "missing", counters[METRIC_HTTP_PROXY_MISSING]);
    exposition_labelled(out, name, "reason", "malformed", counters[METRIC_HTTP_PROXY_MALFORMED]);
    exposition_labelled(out, name, "reason", "too_long", counters[METRIC_HTTP_PROXY_TOO_LONG]);
    exposition_labelled(out, name, "reason", "late", counters[METRIC_HTTP_PROXY_LATE]);
    exposition_labelled(out, name, "reason", "full", counters[METRIC_HTTP_PROXY_FULL]);
}

void prometheus_put_http(struct exposition *out, const struct metrics_snapshot *snapshot,
                         const struct prometheus_gauges *gauges)
{
    put_requests(out, snapshot, gauges);
    put_http_connections(out, snapshot, gauges);
    put_proxy_errors(out, snapshot);
}
