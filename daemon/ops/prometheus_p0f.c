/* SPDX-License-Identifier: MIT */
#include "ops/prometheus_private.h"

/* Of one sensor. */
struct sensor_values {
    uint64_t up, outstanding, queued, reconnects;
    uint64_t connections[LINK_STATES];
    struct pool_counts counts;
};

#define AT(member) offsetof(struct sensor_values, member)

/* Each has one series for each sensor, or one for each value of `label`. */
static const struct sensor_metric {
    const char *name, *type, *help, *label;
    struct {
        const char *text; /* NULL ends */
        size_t at;        /* offset in struct sensor_values */
    } series[LINK_STATES + 1];
} sensor_metrics[] = {
    {PREFIX "p0f_up", "gauge", "1 while p0f answers.", "", {{"", AT(up)}}},
    {PREFIX "p0f_connections",
     "gauge",
     "Connections to p0f: down, probing (no answer yet: p0f may be at its connection limit), "
     "ready, draining (kept only for outstanding answers).",
     "state",
     {{"down", AT(connections[LINK_DOWN])},
      {"probing", AT(connections[LINK_PROBING])},
      {"ready", AT(connections[LINK_READY])},
      {"draining", AT(connections[LINK_DRAINING])}}},
    {PREFIX "p0f_queries_in_flight",
     "gauge",
     "Queries sent and not answered yet.",
     "",
     {{"", AT(outstanding)}}},
    {PREFIX "p0f_queue_length", "gauge", "Queries waiting to be sent.", "", {{"", AT(queued)}}},
    {PREFIX "p0f_queries_total", "counter", "Queries sent to p0f.", "", {{"", AT(counts.queries)}}},
    {PREFIX "p0f_answers_total",
     "counter",
     "Answers from p0f.",
     "result",
     {{"found", AT(counts.found)},
      {"no_match", AT(counts.no_match)},
      {"bad_query", AT(counts.bad_query)}}},
    {PREFIX "p0f_unanswered_total",
     "counter",
     "Queries lost without an answer, by what happened to the connection.",
     "reason",
     {{"disconnected", AT(counts.lost_disconnected)},
      {"malformed", AT(counts.lost_malformed)},
      {"wrong_dialect", AT(counts.lost_wrong_dialect)}}},
    {PREFIX "p0f_connects_total",
     "counter",
     "Attempts to connect to p0f.",
     "result",
     {{"connected", AT(counts.connected)}, {"failed", AT(counts.connect_failed)}}},
    {PREFIX "p0f_reconnects_total",
     "counter",
     "Connections opened in place of a lost one.",
     "",
     {{"", AT(reconnects)}}},
    {PREFIX "p0f_connections_lost_total",
     "counter",
     "Connections closed by p0f, or given up because of a malformed answer or another dialect.",
     "",
     {{"", AT(counts.connections_lost)}}},
};

static struct sensor_values sensor_values_of(const struct pool_status *pool)
{
    struct sensor_values values = {.up = pool->up,
                                   .outstanding = pool->outstanding,
                                   .queued = pool->queued,
                                   .reconnects = pool->reconnects,
                                   .counts = pool->counts};

    for (uint32_t i = 0; i < pool->connections; i++)
        values.connections[pool->links[i].state]++;
    return values;
}

static void put_sensor_metric(struct exposition *out, const struct sensor_metric *metric,
                              const struct prometheus_gauges *gauges,
                              const struct sensor_values *values)
{
    exposition_head(out, metric->name, metric->type, metric->help);
    for (unsigned i = 0; i < gauges->sensors_count; i++) {
        for (unsigned j = 0; metric->series[j].text; j++) {
            const struct exposition_label labels[EXPOSITION_LABELS] = {
                {"sensor", gauges->sensors[i].name}, {metric->label, metric->series[j].text}};
            const char *at = (const char *)&values[i] + metric->series[j].at;
            exposition_series(out, metric->name, labels, *(const uint64_t *)at);
        }
    }
}

/* Of the sensors whose dialect is known. */
static void put_dialects(struct exposition *out, const struct prometheus_gauges *gauges)
{
    const char *name = PREFIX "p0f_dialect_info";
    bool headed = false;

    for (unsigned i = 0; i < gauges->sensors_count; i++) {
        enum p0f_dialect dialect = gauges->sensors[i].pool.dialect;
        const struct exposition_label labels[EXPOSITION_LABELS] = {
            {"sensor", gauges->sensors[i].name}, {"dialect", p0f_dialect_name(dialect)}};
        if (dialect == P0F_DIALECT_AUTO)
            continue;
        if (!headed)
            exposition_head(out, name, "gauge", "The dialect that p0f speaks.");
        headed = true;
        exposition_series(out, name, labels, 1);
    }
}

void prometheus_put_p0f(struct exposition *out, const struct metrics_snapshot *snapshot,
                        const struct prometheus_gauges *gauges)
{
    const char *name = PREFIX "p0f_answer_duration_seconds";
    struct sensor_values values[SENSORS_MAX];

    for (unsigned i = 0; i < gauges->sensors_count; i++)
        values[i] = sensor_values_of(&gauges->sensors[i].pool);
    for (size_t i = 0; i < sizeof sensor_metrics / sizeof sensor_metrics[0]; i++)
        put_sensor_metric(out, &sensor_metrics[i], gauges, values);
    put_dialects(out, gauges);
    exposition_head(out, name, "histogram", "Time from sending a query to p0f's answer.");
    for (unsigned i = 0; i < gauges->sensors_count; i++)
        exposition_histogram(out, name, "sensor", gauges->sensors[i].name,
                             &gauges->sensors[i].pool.counts.answer_time);
    exposition_single(out, PREFIX "p0f_abandoned_answers_total", "counter",
                      "Answers that arrived when no request waited for them any more.",
                      snapshot->counters[METRIC_P0F_ABANDONED]);
}
