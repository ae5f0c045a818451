/* SPDX-License-Identifier: MIT */
#include "ops/prometheus_private.h"

#define AT(member) offsetof(struct share_counts, member)

/* Each has one series, or one for each value of `label`. */
static const struct share_metric {
    const char *name, *help, *label;
    struct {
        const char *text; /* NULL ends */
        size_t at;        /* offset in struct share_counts */
    } series[6];
} share_metrics[] = {
    {PREFIX "share_reads_total",
     "Reads from the shared tier: found, none (no sensor has the host), timeout (no reply within "
     "share.timeout), error (refused by the server, or lost with the connection), skipped (the "
     "server was not up, or had too many reads in flight).",
     "result",
     {{"found", AT(reads_found)},
      {"none", AT(reads_none)},
      {"timeout", AT(reads_timeout)},
      {"error", AT(reads_error)},
      {"skipped", AT(reads_skipped)}}},
    {PREFIX "share_late_answers_total",
     "Replies to reads that had timed out.",
     "",
     {{"", AT(late)}}},
    {PREFIX "share_writes_total",
     "Writes to the shared tier: ok, error (refused by the server, or lost with the connection), "
     "unchanged (not written again within share.write_interval), dropped (the server was not "
     "up, or had too many writes in flight).",
     "result",
     {{"ok", AT(writes_ok)},
      {"error", AT(writes_error)},
      {"unchanged", AT(writes_unchanged)},
      {"dropped", AT(writes_dropped)}}},
    {PREFIX "share_fields_ignored_total",
     "Fields of the shared tier that were ignored: invalid (not what a sensor writes), expired "
     "(older than share.ttl), cut (of a host with more fields than are read).",
     "reason",
     {{"invalid", AT(fields_invalid)}, {"expired", AT(fields_expired)}, {"cut", AT(fields_cut)}}},
    {PREFIX "share_redirects_total",
     "Redirections by cluster nodes that were followed.",
     "kind",
     {{"moved", AT(moved)}, {"ask", AT(ask)}}},
    {PREFIX "share_breaker_opened_total",
     "How often the breaker of a server opened, after failures in a row.",
     "",
     {{"", AT(breaker_opened)}}},
    {PREFIX "share_connects_total",
     "Attempts to connect to a server.",
     "result",
     {{"connected", AT(connects_ok)}, {"failed", AT(connects_failed)}}},
};

static void put_share_metric(struct exposition *out, const struct share_metric *metric,
                             const struct share_counts *counts)
{
    exposition_head(out, metric->name, "counter", metric->help);
    for (unsigned i = 0; metric->series[i].text; i++)
        exposition_labelled(out, metric->name, metric->label, metric->series[i].text,
                            *(const uint64_t *)((const char *)counts + metric->series[i].at));
}

static void put_nodes(struct exposition *out, const struct share_status *share)
{
    const char *name = PREFIX "share_nodes";
    uint64_t counts[SHARE_NODE_STATES] = {0};

    for (uint32_t i = 0; i < share->nodes; i++)
        counts[share->node[i].state]++;
    exposition_head(
        out, name, "gauge",
        "Servers of the shared tier: down, connecting, up, open (connected, but not used "
        "until it answers again).");
    for (enum share_node_state state = SHARE_NODE_DOWN; state < SHARE_NODE_STATES; state++)
        exposition_labelled(out, name, "state", share_node_state_name(state), counts[state]);
}

static void put_hits(struct exposition *out, const struct share_status *share)
{
    const char *name = PREFIX "share_hits_total";

    exposition_head(
        out, name, "counter",
        "Hosts found in the shared tier, by the sensor that has seen them last; (other) counts "
        "all sensors after the first 64.");
    for (uint32_t i = 0; i < share->sensors; i++)
        exposition_labelled(out, name, "sensor", share->sensor[i].name, share->sensor[i].hits);
    exposition_labelled(out, name, "sensor", "(other)", share->other_hits);
}

void prometheus_put_share(struct exposition *out, const struct share_status *share)
{
    const char *name = PREFIX "share_round_trip_seconds";

    exposition_single(out, PREFIX "share_up", "gauge",
                      "1 if all servers of the shared tier that are needed answer.", share->up);
    put_nodes(out, share);
    for (size_t i = 0; i < sizeof share_metrics / sizeof share_metrics[0]; i++)
        put_share_metric(out, &share_metrics[i], &share->counts);
    put_hits(out, share);
    exposition_head(out, name, "histogram", "Time from sending a read to its reply.");
    exposition_histogram(out, name, "", "", &share->round_trip);
}
