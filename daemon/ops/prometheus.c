/* SPDX-License-Identifier: MIT */
#include "ops/prometheus.h"

#include "ops/exposition.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PREFIX "p0f_lookupd_"

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

/* ---- HTTP */

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

/* ---- Lookups */

#define BIT(result) (1U << METRICS_RESULT_##result)
#define P0F_SAID                                                                                   \
    (BIT(FOUND) | BIT(NO_MATCH) | BIT(BAD_RESPONSE) | BIT(UNAVAILABLE) | BIT(TIMEOUT) |            \
     BIT(CANCELLED))
#define NOT_ASKED (BIT(OVERLOADED) | BIT(NOT_CACHED))

/* Possible results are exported from the start. */
static const struct {
    const char *name;
    unsigned possible;
} caches[METRICS_CACHES] = {
    [METRICS_CACHE_HIT] = {"hit", BIT(FOUND) | BIT(NO_MATCH)},
    [METRICS_CACHE_STALE] = {"stale", BIT(FOUND)},
    [METRICS_CACHE_MISS] = {"miss", P0F_SAID | NOT_ASKED},
    [METRICS_CACHE_EXPIRED] = {"expired", P0F_SAID | NOT_ASKED},
    [METRICS_CACHE_BYPASS] = {"bypass", P0F_SAID | NOT_ASKED},
    [METRICS_CACHE_COLLAPSED] = {"collapsed", P0F_SAID},
};

static const char *const results[METRICS_RESULTS] = {
    [METRICS_RESULT_FOUND] = "found",
    [METRICS_RESULT_NO_MATCH] = "no_match",
    [METRICS_RESULT_BAD_RESPONSE] = "bad_response",
    [METRICS_RESULT_UNAVAILABLE] = "unavailable",
    [METRICS_RESULT_OVERLOADED] = "overloaded",
    [METRICS_RESULT_TIMEOUT] = "timeout",
    [METRICS_RESULT_NOT_CACHED] = "not_cached",
    [METRICS_RESULT_CANCELLED] = "cancelled",
};

static void put_lookups(struct exposition *out, const struct metrics_snapshot *snapshot)
{
    const char *name = PREFIX "lookups_total";

    exposition_head(out, name, "counter",
                    "Lookups finished, by what the cache did for them and how they ended.");
    for (unsigned cache = 0; cache < METRICS_CACHES; cache++) {
        for (unsigned result = 0; result < METRICS_RESULTS; result++) {
            uint64_t value = snapshot->lookups[cache][result];
            if (value > 0 || caches[cache].possible & 1U << result)
                exposition_put(out, "%s{cache=\"%s\",result=\"%s\"} %" PRIu64 "\n", name,
                               caches[cache].name, results[result], value);
        }
    }
}

static void put_repeats(struct exposition *out, const struct metrics_snapshot *snapshot)
{
    const char *name = PREFIX "repeats_limited_total";

    exposition_head(
        out, name, "counter",
        "Repeated queries held back by p0f.max_repeat_rate: put_off, or answered from the cache "
        "(remembered).");
    exposition_labelled(out, name, "action", "put_off", snapshot->counters[METRIC_REPEATS_PUT_OFF]);
    exposition_labelled(out, name, "action", "remembered",
                        snapshot->counters[METRIC_REPEATS_REMEMBERED]);
}

/* A histogram's series; `cache` is the value of a label, NULL: without. */
static void put_times(struct exposition *out, const struct metrics_snapshot *snapshot,
                      enum metrics_histogram histogram, const char *name, const char *cache)
{
    const struct metrics_times *times = &snapshot->times[histogram];
    const int64_t *bounds;
    unsigned count = metrics_bounds(histogram, &bounds);
    uint64_t below = 0;
    char first[32] = "", only[32] = "";

    if (cache) {
        snprintf(first, sizeof first, "cache=\"%s\",", cache);
        snprintf(only, sizeof only, "{cache=\"%s\"}", cache);
    }
    for (unsigned i = 0; i < count; i++) {
        below += times->buckets[i];
        exposition_put(out, "%s_bucket{%sle=\"", name, first);
        exposition_time(out, (uint64_t)bounds[i]);
        exposition_put(out, "\"} %" PRIu64 "\n", below);
    }
    below += times->buckets[count];
    exposition_put(out, "%s_bucket{%sle=\"+Inf\"} %" PRIu64 "\n", name, first, below);
    exposition_put(out, "%s_sum%s ", name, only);
    exposition_time(out, times->sum_ns);
    exposition_put(out, "\n%s_count%s %" PRIu64 "\n", name, only, below);
}

static void put_lookup_times(struct exposition *out, const struct metrics_snapshot *snapshot)
{
    const char *name = PREFIX "lookup_duration_seconds";

    exposition_head(out, name, "histogram",
                    "Duration of lookups answered from the cache at once (hit; one in 32 is timed, "
                    "for itself and the 31 that follow), and of lookups that waited for p0f "
                    "(miss).");
    put_times(out, snapshot, METRICS_HIT_TIME, name, "hit");
    put_times(out, snapshot, METRICS_MISS_TIME, name, "miss");
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

/* ---- p0f */

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
    put_times(out, snapshot, METRICS_ANSWER_TIME, name, NULL);
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
    put_requests(out, snapshot, gauges);
    put_http_connections(out, snapshot, gauges);
    put_proxy_errors(out, snapshot);
    put_relay(out, snapshot, gauges);
    put_lookups(out, snapshot);
    put_lookup_times(out, snapshot);
    put_repeats(out, snapshot);
    exposition_single(out, PREFIX "batch_hosts_total", "counter",
                      "Hosts in batches. Each is a lookup.",
                      snapshot->counters[METRIC_BATCH_HOSTS]);
    exposition_single(out, PREFIX "lookups_pending", "gauge", "Lookups waiting for p0f.",
                      gauges->pending);
    exposition_single(out, PREFIX "lookups_pending_limit", "gauge",
                      "Maximum of lookups_pending for one client (p0f.max_pending).",
                      gauges->pending_limit);
    exposition_single(out, PREFIX "flights", "gauge", "Distinct hosts that lookups wait for.",
                      gauges->flights);
    exposition_single(out, PREFIX "refreshes_total", "counter",
                      "Background queries for expired entries that were served meanwhile.",
                      snapshot->counters[METRIC_REFRESHES]);
    put_stores(out, gauges);
    put_p0f_state(out, gauges);
    put_p0f_queries(out, snapshot);
    put_p0f_connections(out, snapshot);
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
