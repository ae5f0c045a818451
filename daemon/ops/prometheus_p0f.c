/* SPDX-License-Identifier: MIT */
#include "ops/prometheus_private.h"

static void put_p0f_state(struct exposition *out, const struct prometheus_gauges *gauges)
{
    const char *name = PREFIX "p0f_connections";

    exposition_single(out, PREFIX "p0f_up", "gauge", "1 while p0f answers.", gauges->p0f_up);
    if (gauges->dialect)
        exposition_info(out, PREFIX "p0f_dialect_info", "The dialect that p0f speaks.", "dialect",
                        gauges->dialect);
    exposition_head(
        out, name, "gauge",
        "Connections to p0f: down, probing (no answer yet: p0f may be at its connection limit), "
        "ready, draining (kept only for outstanding answers).");
    exposition_labelled(out, name, "state", "down", gauges->connections_down);
    exposition_labelled(out, name, "state", "probing", gauges->connections_probing);
    exposition_labelled(out, name, "state", "ready", gauges->connections_ready);
    exposition_labelled(out, name, "state", "draining", gauges->connections_draining);
    exposition_single(out, PREFIX "p0f_queries_in_flight", "gauge",
                      "Queries sent and not answered yet.", gauges->outstanding);
    exposition_single(out, PREFIX "p0f_queue_length", "gauge", "Queries waiting to be sent.",
                      gauges->queued);
}

static void put_p0f_queries(struct exposition *out, const struct metrics_snapshot *snapshot)
{
    const uint64_t *counters = snapshot->counters;
    const char *name = PREFIX "p0f_answers_total";

    exposition_single(out, PREFIX "p0f_queries_total", "counter", "Queries sent to p0f.",
                      counters[METRIC_P0F_QUERIES]);
    exposition_head(out, name, "counter", "Answers from p0f.");
    exposition_labelled(out, name, "result", "found", counters[METRIC_P0F_FOUND]);
    exposition_labelled(out, name, "result", "no_match", counters[METRIC_P0F_NO_MATCH]);
    exposition_labelled(out, name, "result", "bad_query", counters[METRIC_P0F_BAD_QUERY]);
    name = PREFIX "p0f_unanswered_total";
    exposition_head(out, name, "counter",
                    "Queries lost without an answer, by what happened to the connection.");
    exposition_labelled(out, name, "reason", "disconnected",
                        counters[METRIC_P0F_LOST_DISCONNECTED]);
    exposition_labelled(out, name, "reason", "malformed", counters[METRIC_P0F_LOST_MALFORMED]);
    exposition_labelled(out, name, "reason", "wrong_dialect",
                        counters[METRIC_P0F_LOST_WRONG_DIALECT]);
    exposition_single(out, PREFIX "p0f_abandoned_answers_total", "counter",
                      "Answers that arrived when no request waited for them any more.",
                      counters[METRIC_P0F_ABANDONED]);
    name = PREFIX "p0f_answer_duration_seconds";
    exposition_head(out, name, "histogram", "Time from sending a query to p0f's answer.");
    prometheus_put_histogram(out, snapshot, METRICS_ANSWER_TIME, name, NULL);
}

static void put_p0f_connections(struct exposition *out, const struct metrics_snapshot *snapshot)
{
    const uint64_t *counters = snapshot->counters;
    const char *name = PREFIX "p0f_connects_total";

    exposition_head(out, name, "counter", "Attempts to connect to p0f.");
    exposition_labelled(out, name, "result", "connected", counters[METRIC_P0F_CONNECTED]);
    exposition_labelled(out, name, "result", "failed", counters[METRIC_P0F_CONNECT_FAILED]);
    exposition_single(out, PREFIX "p0f_reconnects_total", "counter",
                      "Connections opened in place of a lost one.",
                      counters[METRIC_P0F_RECONNECTED]);
    exposition_single(
        out, PREFIX "p0f_connections_lost_total", "counter",
        "Connections closed by p0f, or given up because of a malformed answer or another dialect.",
        counters[METRIC_P0F_CONNECTIONS_LOST]);
}

void prometheus_put_p0f(struct exposition *out, const struct metrics_snapshot *snapshot,
                        const struct prometheus_gauges *gauges)
{
    put_p0f_state(out, gauges);
    put_p0f_queries(out, snapshot);
    put_p0f_connections(out, snapshot);
}
