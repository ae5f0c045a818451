/* SPDX-License-Identifier: MIT */
#include "ops/prometheus.h"

#include "ops/prometheus_private.h"

/* ---- The settings */

static void put_reload(struct exposition *out, const struct prometheus_gauges *gauges)
{
    exposition_single(out, PREFIX "config_last_reload_successful", "gauge",
                      "1 if the settings were valid when they were last read, at the start or on "
                      "SIGHUP.",
                      gauges->reload_successful);
    exposition_single(out, PREFIX "config_last_reload_success_timestamp_seconds", "gauge",
                      "When valid settings were last read, in seconds since the epoch.",
                      (uint64_t)gauges->reloaded);
}

/* ---- The relay */

static void put_relay(struct exposition *out, const struct metrics_snapshot *snapshot,
                      const struct prometheus_gauges *gauges)
{
    const uint64_t *counters = snapshot->counters;
    const char *name = PREFIX "relay_queries_total";

    exposition_single(out, PREFIX "relay_connections", "gauge", "Connections of the relay open.",
                      gauges->relay_connections);
    exposition_single(out, PREFIX "relay_connections_accepted_total", "counter",
                      "Connections of the relay accepted.", counters[METRIC_RELAY_ACCEPTED]);
    exposition_single(
        out, PREFIX "relay_connections_refused_total", "counter",
        "Connections of the relay refused: relay.max_connections were open, or memory "
        "was short.",
        counters[METRIC_RELAY_REFUSED]);
    exposition_head(out, name, "counter",
                    "Queries of the relay's clients: answered with found, no_match or bad_query, "
                    "failed (the connection was reset instead) or cancelled (by the client, who "
                    "closed it).");
    exposition_labelled(out, name, "result", "found", counters[METRIC_RELAY_FOUND]);
    exposition_labelled(out, name, "result", "no_match", counters[METRIC_RELAY_NO_MATCH]);
    exposition_labelled(out, name, "result", "bad_query", counters[METRIC_RELAY_BAD_QUERY]);
    exposition_labelled(out, name, "result", "failed", counters[METRIC_RELAY_FAILED]);
    exposition_labelled(out, name, "result", "cancelled", counters[METRIC_RELAY_CANCELLED]);
    exposition_single(out, PREFIX "relay_lookups_pending", "gauge",
                      "Those of lookups_pending that are the relay's.", gauges->relay_lookups);
}

/* ---- The cache */

static void put_stores(struct exposition *out, const struct prometheus_gauges *gauges)
{
    static const struct {
        const char *name, *type, *help;
        size_t value; /* offset in struct prometheus_store */
    } metrics[] = {
        {PREFIX "cache_entries", "gauge",
         "Entries in the cache: hosts, and misses that p0f did not know.",
         offsetof(struct prometheus_store, entries)},
        {PREFIX "cache_entries_limit", "gauge", "Maximum number of entries.",
         offsetof(struct prometheus_store, limit)},
        {PREFIX "cache_bytes", "gauge", "Memory used by the entries.",
         offsetof(struct prometheus_store, bytes)},
        {PREFIX "cache_insertions_total", "counter",
         "Entries added for addresses that had none in this store.",
         offsetof(struct prometheus_store, inserted)},
        {PREFIX "cache_evictions_total", "counter",
         "Entries evicted by others before they were too old to be served.",
         offsetof(struct prometheus_store, evicted)},
        {PREFIX "cache_removals_total", "counter",
         "Entries removed because p0f gave another answer, or because caching was turned off.",
         offsetof(struct prometheus_store, removed)},
    };

    for (size_t i = 0; i < sizeof metrics / sizeof metrics[0]; i++) {
        size_t at = metrics[i].value;
        exposition_head(out, metrics[i].name, metrics[i].type, metrics[i].help);
        exposition_labelled(out, metrics[i].name, "store", "hosts",
                            *(const uint64_t *)((const char *)&gauges->hosts + at));
        exposition_labelled(out, metrics[i].name, "store", "misses",
                            *(const uint64_t *)((const char *)&gauges->misses + at));
    }
}

/* ---- The process */

static void put_process(struct exposition *out, const struct process *process)
{
    exposition_seconds(out, "process_cpu_seconds_total", "counter", "User and system CPU time.",
                       (uint64_t)process->cpu_ns);
    if (process->memory_known) {
        exposition_single(out, "process_resident_memory_bytes", "gauge", "Resident memory.",
                          process->resident_bytes);
        exposition_single(out, "process_virtual_memory_bytes", "gauge", "Virtual memory.",
                          process->virtual_bytes);
    }
    if (process->open_fds_known)
        exposition_single(out, "process_open_fds", "gauge", "Open file descriptors.",
                          process->open_fds);
    if (process->max_fds_known)
        exposition_single(out, "process_max_fds", "gauge",
                          "Maximum number of open file descriptors.", process->max_fds);
}

/* ---- All of it */

char *prometheus_text(const struct metrics_snapshot *snapshot,
                      const struct prometheus_gauges *gauges, const struct process *process,
                      size_t *length)
{
    struct exposition text = {0}, *out = &text;

    exposition_info(out, PREFIX "build_info", "Version of the daemon.", "version", gauges->version);
    put_reload(out, gauges);
    prometheus_put_http(out, snapshot, gauges);
    put_relay(out, snapshot, gauges);
    prometheus_put_lookups(out, snapshot, gauges);
    put_stores(out, gauges);
    prometheus_put_p0f(out, snapshot, gauges);
    if (gauges->share)
        prometheus_put_share(out, gauges->share);
    exposition_single(out, PREFIX "log_lines_lost_total", "counter",
                      "Log lines lost: standard error was not read in time, or could not be "
                      "written to.",
                      snapshot->counters[METRIC_LOG_LINES_LOST]);
    exposition_single(out, "process_start_time_seconds", "gauge",
                      "Start time of the process, in seconds since the epoch.",
                      (uint64_t)gauges->started);
    put_process(out, process);
    return exposition_finish(out, length);
}
