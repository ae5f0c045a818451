/* SPDX-License-Identifier: MIT */
#include "ops/prometheus_private.h"

static void put_states(struct exposition *out, const struct pool_status *pool)
{
    const char *name = PREFIX "p0f_connections";
    uint64_t counts[LINK_STATES] = {0};

    for (uint32_t i = 0; i < pool->connections; i++)
        counts[pool->links[i].state]++;
    exposition_head(
        out, name, "gauge",
        "Connections to p0f: down, probing (no answer yet: p0f may be at its connection limit), "
        "ready, draining (kept only for outstanding answers).");
    for (enum link_state state = LINK_DOWN; state < LINK_STATES; state++)
        exposition_labelled(out, name, "state", link_state_name(state), counts[state]);
}

static void put_p0f_state(struct exposition *out, const struct pool_status *pool)
{
    exposition_single(out, PREFIX "p0f_up", "gauge", "1 while p0f answers.", pool->up);
    if (pool->dialect != P0F_DIALECT_AUTO)
        exposition_info(out, PREFIX "p0f_dialect_info", "The dialect that p0f speaks.", "dialect",
                        p0f_dialect_name(pool->dialect));
    put_states(out, pool);
    exposition_single(out, PREFIX "p0f_queries_in_flight", "gauge",
                      "Queries sent and not answered yet.", pool->outstanding);
    exposition_single(out, PREFIX "p0f_queue_length", "gauge", "Queries waiting to be sent.",
                      pool->queued);
}

static void put_p0f_queries(struct exposition *out, const struct metrics_snapshot *snapshot,
                            const struct pool_counts *counts)
{
    const char *name = PREFIX "p0f_answers_total";

    exposition_single(out, PREFIX "p0f_queries_total", "counter", "Queries sent to p0f.",
                      counts->queries);
    exposition_head(out, name, "counter", "Answers from p0f.");
    exposition_labelled(out, name, "result", "found", counts->found);
    exposition_labelled(out, name, "result", "no_match", counts->no_match);
    exposition_labelled(out, name, "result", "bad_query", counts->bad_query);
    name = PREFIX "p0f_unanswered_total";
    exposition_head(out, name, "counter",
                    "Queries lost without an answer, by what happened to the connection.");
    exposition_labelled(out, name, "reason", "disconnected", counts->lost_disconnected);
    exposition_labelled(out, name, "reason", "malformed", counts->lost_malformed);
    exposition_labelled(out, name, "reason", "wrong_dialect", counts->lost_wrong_dialect);
    exposition_single(out, PREFIX "p0f_abandoned_answers_total", "counter",
                      "Answers that arrived when no request waited for them any more.",
                      snapshot->counters[METRIC_P0F_ABANDONED]);
    name = PREFIX "p0f_answer_duration_seconds";
    exposition_head(out, name, "histogram", "Time from sending a query to p0f's answer.");
    exposition_histogram(out, name, "", "", &counts->answer_time);
}

static void put_p0f_connections(struct exposition *out, const struct pool_status *pool)
{
    const char *name = PREFIX "p0f_connects_total";

    exposition_head(out, name, "counter", "Attempts to connect to p0f.");
    exposition_labelled(out, name, "result", "connected", pool->counts.connected);
    exposition_labelled(out, name, "result", "failed", pool->counts.connect_failed);
    exposition_single(out, PREFIX "p0f_reconnects_total", "counter",
                      "Connections opened in place of a lost one.", pool->reconnects);
    exposition_single(
        out, PREFIX "p0f_connections_lost_total", "counter",
        "Connections closed by p0f, or given up because of a malformed answer or another dialect.",
        pool->counts.connections_lost);
}

void prometheus_put_p0f(struct exposition *out, const struct metrics_snapshot *snapshot,
                        const struct prometheus_gauges *gauges)
{
    put_p0f_state(out, gauges->pool);
    put_p0f_queries(out, snapshot, &gauges->pool->counts);
    put_p0f_connections(out, gauges->pool);
}
