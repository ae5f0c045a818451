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

/* ---- What was refused, by reason */

struct reason {
    const char *reason;
    enum metric metric;
};

static void put_reasons(struct exposition *out, const struct metrics_snapshot *snapshot,
                        const char *name, const char *help, const struct reason *reasons,
                        size_t count)
{
    exposition_head(out, name, "counter", help);
    for (size_t i = 0; i < count; i++)
        exposition_labelled(out, name, "reason", reasons[i].reason,
                            snapshot->counters[reasons[i].metric]);
}

static void put_auth_failures(struct exposition *out, const struct metrics_snapshot *snapshot)
{
    static const struct reason reasons[] = {
        {"missing", METRIC_HTTP_NO_TOKEN},
        {"invalid", METRIC_HTTP_BAD_TOKEN},
        {"forbidden", METRIC_HTTP_BAD_ROLE},
    };

    put_reasons(out, snapshot, PREFIX "http_auth_failures_total",
                "Requests denied for lack of a token (missing), with an unknown token (invalid) or "
                "with one whose role does not permit the request (forbidden).",
                reasons, sizeof reasons / sizeof reasons[0]);
}

static void put_proxy_errors(struct exposition *out, const struct metrics_snapshot *snapshot)
{
    static const struct reason reasons[] = {
        {"missing", METRIC_HTTP_PROXY_MISSING},   {"malformed", METRIC_HTTP_PROXY_MALFORMED},
        {"too_long", METRIC_HTTP_PROXY_TOO_LONG}, {"late", METRIC_HTTP_PROXY_LATE},
        {"full", METRIC_HTTP_PROXY_FULL},
    };

    put_reasons(out, snapshot, PREFIX "http_proxy_protocol_errors_total",
                "Connections of trusted proxies closed without a valid PROXY header, or because "
                "too many were waiting for theirs.",
                reasons, sizeof reasons / sizeof reasons[0]);
}

static void put_tls(struct exposition *out, const struct metrics_snapshot *snapshot,
                    const struct prometheus_gauges *gauges)
{
    static const struct reason reasons[] = {
        {"closed", METRIC_TLS_FAILED_CLOSED},     {"plain_http", METRIC_TLS_FAILED_PLAIN_HTTP},
        {"version", METRIC_TLS_FAILED_VERSION},   {"cipher", METRIC_TLS_FAILED_CIPHER},
        {"protocol", METRIC_TLS_FAILED_PROTOCOL}, {"alert", METRIC_TLS_FAILED_ALERT},
        {"timeout", METRIC_TLS_FAILED_TIMEOUT},   {"malformed", METRIC_TLS_FAILED_MALFORMED},
    };
    const char *name = PREFIX "tls_handshakes_total";
    const uint64_t *counters = snapshot->counters;

    exposition_head(out, name, "counter",
                    "TLS handshakes: full, or those that resumed an earlier session.");
    exposition_labelled(out, name, "session", "full", counters[METRIC_TLS_FULL]);
    exposition_labelled(out, name, "session", "resumed", counters[METRIC_TLS_RESUMED]);
    put_reasons(out, snapshot, PREFIX "tls_handshake_failures_total",
                "TLS handshakes that failed, by reason.", reasons,
                sizeof reasons / sizeof reasons[0]);
    if (gauges->has_tls)
        exposition_single(out, PREFIX "tls_certificate_expiry_timestamp_seconds", "gauge",
                          "When the certificate for TLS, or one of its chain, expires, in seconds "
                          "since the epoch.",
                          (uint64_t)gauges->certificate_expiry);
}

void prometheus_put_http(struct exposition *out, const struct metrics_snapshot *snapshot,
                         const struct prometheus_gauges *gauges)
{
    put_requests(out, snapshot, gauges);
    put_http_connections(out, snapshot, gauges);
    put_auth_failures(out, snapshot);
    put_proxy_errors(out, snapshot);
    put_tls(out, snapshot, gauges);
}
