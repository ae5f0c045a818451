/* SPDX-License-Identifier: MIT */
#include "ops/prometheus.h"

#include "share_fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct metrics_route route_a = {"/a", {200, 503}}, route_b = {"b", {204}};

static struct metrics_snapshot snapshot;
static struct prometheus_gauges gauges;
static struct status_sensor sensors[3];
static struct pool_status *const pool = &sensors[0].pool;
static struct process process;
static char *text;

static void start(void)
{
    memset(&snapshot, 0, sizeof snapshot);
    memset(sensors, 0, sizeof sensors);
    sensors[0].name = "";
    gauges = (struct prometheus_gauges){.version = "1.2.3",
                                        .started = 1700000000,
                                        .sensors_count = 1,
                                        .sensors = sensors,
                                        .routes = {[0] = &route_a, [2] = &route_b}};
    process = (struct process){.cpu_ns = 0};
    text = NULL;
}

static void write_text(void)
{
    size_t length;

    free(text);
    text = prometheus_text(&snapshot, &gauges, &process, &length);
    cr_assert_not_null(text);
    cr_assert_eq(length, strlen(text));
}

static void stop(void)
{
    free(text);
}

/* Whether that is a line of the text, or the lines of it that follow each other. */
static bool has(const char *lines)
{
    size_t length = strlen(lines);

    for (const char *at = text; (at = strstr(at, lines)); at++)
        if ((at == text || at[-1] == '\n') && at[length] == '\n')
            return true;
    return false;
}

#define EXPECT(lines) cr_assert(has(lines), "not there: %s\n%s", lines, text)

Test(prometheus, version_and_dialect, .init = start, .fini = stop)
{
    pool->dialect = P0F_DIALECT_P0F3;
    pool->up = true;
    write_text();
    cr_assert_eq(strncmp(text, "# HELP ", 7), 0);
    EXPECT("# TYPE p0f_lookupd_build_info gauge\np0f_lookupd_build_info{version=\"1.2.3\"} 1");
    EXPECT("p0f_lookupd_p0f_dialect_info{dialect=\"p0f3\"} 1");
    EXPECT("p0f_lookupd_p0f_up 1");
    pool->dialect = P0F_DIALECT_AUTO;
    pool->up = false;
    write_text();
    cr_assert_null(strstr(text, "dialect_info"));
    EXPECT("p0f_lookupd_p0f_up 0");
}

Test(prometheus, reloads, .init = start, .fini = stop)
{
    gauges.reload_successful = true;
    gauges.reloaded = 1700000009;
    write_text();
    EXPECT("# TYPE p0f_lookupd_config_last_reload_successful gauge\n"
           "p0f_lookupd_config_last_reload_successful 1");
    EXPECT("# TYPE p0f_lookupd_config_last_reload_success_timestamp_seconds gauge\n"
           "p0f_lookupd_config_last_reload_success_timestamp_seconds 1700000009");
    gauges.reload_successful = false;
    write_text();
    EXPECT("p0f_lookupd_config_last_reload_successful 0");
}

Test(prometheus, label_values_are_escaped, .init = start, .fini = stop)
{
    gauges.version = "a\"b\\c\nd";
    write_text();
    EXPECT("p0f_lookupd_build_info{version=\"a\\\"b\\\\c\\nd\"} 1");
}

Test(prometheus, requests, .init = start, .fini = stop)
{
    snapshot.requests[0][0] = 7;
    snapshot.requests[1][0] = 8; /* of nobody */
    snapshot.requests[2][METRICS_CODES - 1] = 2;
    write_text();
    /* What is expected is there from the start: a first one is seen to be an increase. */
    EXPECT("# TYPE p0f_lookupd_http_requests_total counter\n"
           "p0f_lookupd_http_requests_total{route=\"/a\",code=\"200\"} 7\n"
           "p0f_lookupd_http_requests_total{route=\"/a\",code=\"503\"} 0\n"
           "p0f_lookupd_http_requests_total{route=\"b\",code=\"204\"} 0\n"
           "p0f_lookupd_http_requests_total{route=\"b\",code=\"other\"} 2");
    cr_assert_null(strstr(text, "_total 8"));
    cr_assert_null(strstr(text, "} 8"));
}

Test(prometheus, lookups, .init = start, .fini = stop)
{
    snapshot.lookups[METRICS_CACHE_COLLAPSED][METRICS_RESULT_NO_MATCH] = UINT64_MAX;
    snapshot.lookups[METRICS_CACHE_HIT][METRICS_RESULT_TIMEOUT] = 1;
    write_text();
    EXPECT("p0f_lookupd_lookups_total{cache=\"collapsed\",result=\"no_match\"} "
           "18446744073709551615");
    EXPECT("p0f_lookupd_lookups_total{cache=\"hit\",result=\"found\"} 0");
    EXPECT("p0f_lookupd_lookups_total{cache=\"miss\",result=\"not_cached\"} 0");
    EXPECT("p0f_lookupd_lookups_total{cache=\"collapsed\",result=\"cancelled\"} 0");
    cr_assert_null(strstr(text, "{cache=\"hit\",result=\"cancelled\"}"));
    EXPECT("p0f_lookupd_lookups_total{cache=\"hit\",result=\"timeout\"} 1");
    cr_assert_null(strstr(text, "{cache=\"stale\",result=\"overloaded\"}"));
}

Test(prometheus, buckets_are_added_up, .init = start, .fini = stop)
{
    snapshot.times[METRICS_MISS_TIME].buckets[0] = 1;
    snapshot.times[METRICS_MISS_TIME].buckets[2] = 2;
    snapshot.times[METRICS_MISS_TIME].buckets[HISTOGRAM_BUCKETS - 1] = 4;
    snapshot.times[METRICS_MISS_TIME].sum_ns = UINT64_C(20000001500);
    write_text();
    EXPECT("p0f_lookupd_lookup_duration_seconds_bucket{cache=\"miss\",le=\"0.000001\"} 1\n"
           "p0f_lookupd_lookup_duration_seconds_bucket{cache=\"miss\",le=\"0.0000025\"} 1\n"
           "p0f_lookupd_lookup_duration_seconds_bucket{cache=\"miss\",le=\"0.000005\"} 3");
    EXPECT("p0f_lookupd_lookup_duration_seconds_bucket{cache=\"miss\",le=\"2.5\"} 3\n"
           "p0f_lookupd_lookup_duration_seconds_bucket{cache=\"miss\",le=\"5\"} 3\n"
           "p0f_lookupd_lookup_duration_seconds_bucket{cache=\"miss\",le=\"+Inf\"} 7\n"
           "p0f_lookupd_lookup_duration_seconds_sum{cache=\"miss\"} 20.0000015\n"
           "p0f_lookupd_lookup_duration_seconds_count{cache=\"miss\"} 7");
    EXPECT("p0f_lookupd_lookup_duration_seconds_sum{cache=\"hit\"} 0");
}

Test(prometheus, a_histogram_without_labels, .init = start, .fini = stop)
{
    pool->counts.answer_time.buckets[HISTOGRAM_BUCKETS - 1] = 1; /* beyond the last bound */
    write_text();
    EXPECT("# TYPE p0f_lookupd_p0f_answer_duration_seconds histogram\n"
           "p0f_lookupd_p0f_answer_duration_seconds_bucket{le=\"0.000001\"} 0");
    EXPECT("p0f_lookupd_p0f_answer_duration_seconds_bucket{le=\"5\"} 0\n"
           "p0f_lookupd_p0f_answer_duration_seconds_bucket{le=\"+Inf\"} 1\n"
           "p0f_lookupd_p0f_answer_duration_seconds_sum 0\n"
           "p0f_lookupd_p0f_answer_duration_seconds_count 1");
}

Test(prometheus, counters, .init = start, .fini = stop)
{
    for (unsigned i = 0; i < METRICS_COUNTERS; i++)
        snapshot.counters[i] = 100 + i;
    write_text();
    static const struct {
        const char *series;
        enum metric metric;
    } expected[] = {
        {"refreshes_total", METRIC_REFRESHES},
        {"repeats_limited_total{action=\"put_off\"}", METRIC_REPEATS_PUT_OFF},
        {"repeats_limited_total{action=\"remembered\"}", METRIC_REPEATS_REMEMBERED},
        {"batch_hosts_total", METRIC_BATCH_HOSTS},
        {"p0f_abandoned_answers_total", METRIC_P0F_ABANDONED},
        {"http_connections_refused_total", METRIC_HTTP_REFUSED},
        {"http_connections_evicted_total", METRIC_HTTP_EVICTED},
        {"http_auth_failures_total{reason=\"missing\"}", METRIC_HTTP_NO_TOKEN},
        {"http_auth_failures_total{reason=\"invalid\"}", METRIC_HTTP_BAD_TOKEN},
        {"http_auth_failures_total{reason=\"forbidden\"}", METRIC_HTTP_BAD_ROLE},
        {"http_proxy_protocol_errors_total{reason=\"missing\"}", METRIC_HTTP_PROXY_MISSING},
        {"http_proxy_protocol_errors_total{reason=\"malformed\"}", METRIC_HTTP_PROXY_MALFORMED},
        {"http_proxy_protocol_errors_total{reason=\"too_long\"}", METRIC_HTTP_PROXY_TOO_LONG},
        {"http_proxy_protocol_errors_total{reason=\"late\"}", METRIC_HTTP_PROXY_LATE},
        {"http_proxy_protocol_errors_total{reason=\"full\"}", METRIC_HTTP_PROXY_FULL},
        {"tls_handshakes_total{session=\"full\"}", METRIC_TLS_FULL},
        {"tls_handshakes_total{session=\"resumed\"}", METRIC_TLS_RESUMED},
        {"tls_handshake_failures_total{reason=\"closed\"}", METRIC_TLS_FAILED_CLOSED},
        {"tls_handshake_failures_total{reason=\"plain_http\"}", METRIC_TLS_FAILED_PLAIN_HTTP},
        {"tls_handshake_failures_total{reason=\"version\"}", METRIC_TLS_FAILED_VERSION},
        {"tls_handshake_failures_total{reason=\"cipher\"}", METRIC_TLS_FAILED_CIPHER},
        {"tls_handshake_failures_total{reason=\"protocol\"}", METRIC_TLS_FAILED_PROTOCOL},
        {"tls_handshake_failures_total{reason=\"alert\"}", METRIC_TLS_FAILED_ALERT},
        {"tls_handshake_failures_total{reason=\"timeout\"}", METRIC_TLS_FAILED_TIMEOUT},
        {"tls_handshake_failures_total{reason=\"malformed\"}", METRIC_TLS_FAILED_MALFORMED},
        {"relay_connections_accepted_total", METRIC_RELAY_ACCEPTED},
        {"relay_connections_refused_total", METRIC_RELAY_REFUSED},
        {"relay_queries_total{result=\"found\"}", METRIC_RELAY_FOUND},
        {"relay_queries_total{result=\"no_match\"}", METRIC_RELAY_NO_MATCH},
        {"relay_queries_total{result=\"bad_query\"}", METRIC_RELAY_BAD_QUERY},
        {"relay_queries_total{result=\"failed\"}", METRIC_RELAY_FAILED},
        {"relay_queries_total{result=\"cancelled\"}", METRIC_RELAY_CANCELLED},
        {"log_lines_lost_total", METRIC_LOG_LINES_LOST},
    };
    cr_assert_eq(sizeof expected / sizeof expected[0], METRICS_COUNTERS);
    for (unsigned i = 0; i < METRICS_COUNTERS; i++) {
        char line[128];
        snprintf(line, sizeof line, "p0f_lookupd_%s %u", expected[i].series,
                 100 + expected[i].metric);
        EXPECT(line);
    }
}

Test(prometheus, gauges, .init = start, .fini = stop)
{
    gauges = (struct prometheus_gauges){
        .version = "1",
        .sensors_count = 1,
        .sensors = sensors,
        .pending = 7,
        .pending_limit = 8,
        .flights = 9,
        .hosts =
            {.entries = 10, .limit = 11, .bytes = 12, .inserted = 19, .evicted = 13, .removed = 20},
        .misses =
            {.entries = 14, .limit = 15, .bytes = 16, .inserted = 21, .evicted = 17, .removed = 22},
        .http_connections = 18,
        .relay_connections = 23,
        .relay_lookups = 24,
    };
    write_text();
    EXPECT("p0f_lookupd_lookups_pending 7");
    EXPECT("p0f_lookupd_lookups_pending_limit 8");
    EXPECT("p0f_lookupd_flights 9");
    EXPECT("p0f_lookupd_cache_entries{store=\"hosts\"} 10\n"
           "p0f_lookupd_cache_entries{store=\"misses\"} 14");
    EXPECT("p0f_lookupd_cache_entries_limit{store=\"hosts\"} 11\n"
           "p0f_lookupd_cache_entries_limit{store=\"misses\"} 15");
    EXPECT("p0f_lookupd_cache_bytes{store=\"hosts\"} 12\n"
           "p0f_lookupd_cache_bytes{store=\"misses\"} 16");
    EXPECT("p0f_lookupd_cache_evictions_total{store=\"hosts\"} 13\n"
           "p0f_lookupd_cache_evictions_total{store=\"misses\"} 17");
    EXPECT("p0f_lookupd_cache_insertions_total{store=\"hosts\"} 19\n"
           "p0f_lookupd_cache_insertions_total{store=\"misses\"} 21");
    EXPECT("p0f_lookupd_cache_removals_total{store=\"hosts\"} 20\n"
           "p0f_lookupd_cache_removals_total{store=\"misses\"} 22");
    EXPECT("p0f_lookupd_http_connections 18");
    EXPECT("p0f_lookupd_relay_connections 23");
    EXPECT("p0f_lookupd_relay_lookups_pending 24");
}

Test(prometheus, p0f_and_its_connections, .init = start, .fini = stop)
{
    const enum link_state states[] = {LINK_DOWN,     LINK_PROBING, LINK_PROBING,  LINK_READY,
                                      LINK_READY,    LINK_READY,   LINK_DRAINING, LINK_DRAINING,
                                      LINK_DRAINING, LINK_DRAINING};

    pool->connections = sizeof states / sizeof states[0];
    for (uint32_t i = 0; i < pool->connections; i++)
        pool->links[i].state = states[i];
    pool->outstanding = 5;
    pool->queued = 6;
    pool->reconnects = 7;
    pool->counts = (struct pool_counts){.queries = 8,
                                        .found = 9,
                                        .no_match = 10,
                                        .bad_query = 11,
                                        .lost_disconnected = 12,
                                        .lost_malformed = 13,
                                        .lost_wrong_dialect = 14,
                                        .connected = 15,
                                        .connect_failed = 16,
                                        .connections_lost = 17};
    write_text();
    EXPECT("p0f_lookupd_p0f_connections{state=\"down\"} 1\n"
           "p0f_lookupd_p0f_connections{state=\"probing\"} 2\n"
           "p0f_lookupd_p0f_connections{state=\"ready\"} 3\n"
           "p0f_lookupd_p0f_connections{state=\"draining\"} 4");
    EXPECT("p0f_lookupd_p0f_queries_in_flight 5");
    EXPECT("p0f_lookupd_p0f_queue_length 6");
    EXPECT("p0f_lookupd_p0f_reconnects_total 7");
    EXPECT("p0f_lookupd_p0f_queries_total 8");
    EXPECT("p0f_lookupd_p0f_answers_total{result=\"found\"} 9\n"
           "p0f_lookupd_p0f_answers_total{result=\"no_match\"} 10\n"
           "p0f_lookupd_p0f_answers_total{result=\"bad_query\"} 11");
    EXPECT("p0f_lookupd_p0f_unanswered_total{reason=\"disconnected\"} 12\n"
           "p0f_lookupd_p0f_unanswered_total{reason=\"malformed\"} 13\n"
           "p0f_lookupd_p0f_unanswered_total{reason=\"wrong_dialect\"} 14");
    EXPECT("p0f_lookupd_p0f_connects_total{result=\"connected\"} 15\n"
           "p0f_lookupd_p0f_connects_total{result=\"failed\"} 16");
    EXPECT("p0f_lookupd_p0f_connections_lost_total 17");
}

/* All series of a metric follow each other: those of one sensor, then those of the next. */
Test(prometheus, sensors, .init = start, .fini = stop)
{
    sensors[0].name = "web1/wan";
    sensors[1].name = "web1/lan";
    gauges.sensors_count = 2;
    sensors[0].pool.up = true;
    sensors[0].pool.dialect = P0F_DIALECT_P0F3;
    sensors[0].pool.counts.found = 3;
    sensors[0].pool.counts.answer_time.buckets[0] = 4;
    sensors[1].pool.counts.found = 5;
    sensors[1].pool.counts.answer_time.sum_ns = 6000000000;
    write_text();
    EXPECT("# TYPE p0f_lookupd_p0f_up gauge\n"
           "p0f_lookupd_p0f_up{sensor=\"web1/wan\"} 1\n"
           "p0f_lookupd_p0f_up{sensor=\"web1/lan\"} 0");
    EXPECT("# TYPE p0f_lookupd_p0f_dialect_info gauge\n"
           "p0f_lookupd_p0f_dialect_info{sensor=\"web1/wan\",dialect=\"p0f3\"} 1");
    EXPECT("# TYPE p0f_lookupd_p0f_answers_total counter\n"
           "p0f_lookupd_p0f_answers_total{sensor=\"web1/wan\",result=\"found\"} 3\n"
           "p0f_lookupd_p0f_answers_total{sensor=\"web1/wan\",result=\"no_match\"} 0\n"
           "p0f_lookupd_p0f_answers_total{sensor=\"web1/wan\",result=\"bad_query\"} 0\n"
           "p0f_lookupd_p0f_answers_total{sensor=\"web1/lan\",result=\"found\"} 5");
    EXPECT("p0f_lookupd_p0f_answer_duration_seconds_bucket{sensor=\"web1/wan\",le=\"+Inf\"} 4\n"
           "p0f_lookupd_p0f_answer_duration_seconds_sum{sensor=\"web1/wan\"} 0\n"
           "p0f_lookupd_p0f_answer_duration_seconds_count{sensor=\"web1/wan\"} 4\n"
           "p0f_lookupd_p0f_answer_duration_seconds_bucket{sensor=\"web1/lan\",le=\"0.000001\"} 0");
    EXPECT("p0f_lookupd_p0f_answer_duration_seconds_sum{sensor=\"web1/lan\"} 6");
    EXPECT("p0f_lookupd_p0f_abandoned_answers_total 0");
}

/* Whatever a metric of p0f's connections, queries or answers is, it says of which sensor. */
Test(prometheus, no_metric_of_sensors_mixes_them, .init = start, .fini = stop)
{
    sensors[0].name = "a";
    sensors[1].name = "b";
    gauges.sensors_count = 2;
    write_text();
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
        if (strncmp(line, "p0f_lookupd_p0f_", 16) == 0 && !strstr(line, "_abandoned_"))
            cr_assert(strstr(line, "{sensor=\"a\"") || strstr(line, "{sensor=\"b\""), "%s", line);
}

Test(prometheus, share, .init = start, .fini = stop)
{
    static struct share_status share;

    write_text();
    cr_assert_null(strstr(text, "p0f_lookupd_share_"), "not configured");
    share = full_share();
    gauges.share = &share;
    write_text();
    EXPECT("# TYPE p0f_lookupd_share_up gauge\np0f_lookupd_share_up 1");
    EXPECT("p0f_lookupd_share_nodes{state=\"down\"} 0\n"
           "p0f_lookupd_share_nodes{state=\"connecting\"} 0\n"
           "p0f_lookupd_share_nodes{state=\"up\"} 1\n"
           "p0f_lookupd_share_nodes{state=\"open\"} 1");
    EXPECT("# TYPE p0f_lookupd_share_reads_total counter\n"
           "p0f_lookupd_share_reads_total{result=\"found\"} 11\n"
           "p0f_lookupd_share_reads_total{result=\"none\"} 12\n"
           "p0f_lookupd_share_reads_total{result=\"timeout\"} 13\n"
           "p0f_lookupd_share_reads_total{result=\"error\"} 14\n"
           "p0f_lookupd_share_reads_total{result=\"skipped\"} 15");
    EXPECT("p0f_lookupd_share_late_answers_total 16");
    EXPECT("p0f_lookupd_share_writes_total{result=\"ok\"} 17\n"
           "p0f_lookupd_share_writes_total{result=\"error\"} 18\n"
           "p0f_lookupd_share_writes_total{result=\"unchanged\"} 19\n"
           "p0f_lookupd_share_writes_total{result=\"dropped\"} 20");
    EXPECT("p0f_lookupd_share_fields_ignored_total{reason=\"invalid\"} 21\n"
           "p0f_lookupd_share_fields_ignored_total{reason=\"expired\"} 22\n"
           "p0f_lookupd_share_fields_ignored_total{reason=\"cut\"} 23");
    EXPECT("p0f_lookupd_share_redirects_total{kind=\"moved\"} 24\n"
           "p0f_lookupd_share_redirects_total{kind=\"ask\"} 25");
    EXPECT("p0f_lookupd_share_breaker_opened_total 26");
    EXPECT("p0f_lookupd_share_connects_total{result=\"connected\"} 27\n"
           "p0f_lookupd_share_connects_total{result=\"failed\"} 28");
    EXPECT("# TYPE p0f_lookupd_share_hits_total counter\n"
           "p0f_lookupd_share_hits_total{sensor=\"web1\"} 6\n"
           "p0f_lookupd_share_hits_total{sensor=\"web2/wan\"} 7\n"
           "p0f_lookupd_share_hits_total{sensor=\"(other)\"} 8");
    EXPECT("p0f_lookupd_share_round_trip_seconds_bucket{le=\"0.000001\"} 0\n"
           "p0f_lookupd_share_round_trip_seconds_bucket{le=\"0.0000025\"} 9");
    EXPECT("p0f_lookupd_share_round_trip_seconds_sum 0.000002");
}

Test(prometheus, the_process, .init = start, .fini = stop)
{
    process = (struct process){
        .memory_known = true,
        .cpu_ns = 12340000000,
        .resident_bytes = 4096,
        .virtual_bytes = 8192,
        .open_fds_known = true,
        .open_fds = 17,
        .max_fds_known = true,
        .max_fds = 1024,
    };
    write_text();
    EXPECT("# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total 12.34");
    EXPECT("process_resident_memory_bytes 4096");
    EXPECT("process_virtual_memory_bytes 8192");
    EXPECT("process_open_fds 17");
    EXPECT("process_max_fds 1024");
    process = (struct process){.cpu_ns = 0};
    write_text();
    EXPECT("process_start_time_seconds 1700000000");
    cr_assert_null(strstr(text, "process_resident"), "what is not known is not said");
    cr_assert_null(strstr(text, "process_open"));
}

/* Each metric has its HELP and TYPE, in this order and once, before its series. */
Test(prometheus, heads, .init = start, .fini = stop)
{
    static struct share_status share;
    char name[80], typed[80], helped[96][80];
    unsigned metrics = 0;

    process = (struct process){.memory_known = true, .open_fds_known = true, .max_fds_known = true};
    pool->dialect = P0F_DIALECT_MTU;
    sensors[0].name = "a";
    sensors[1].name = "b";
    gauges.sensors_count = 2;
    share = full_share();
    gauges.share = &share;
    write_text();
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        if (sscanf(line, "# HELP %79s", name) == 1) {
            for (unsigned i = 0; i < metrics; i++)
                cr_assert_neq(strcmp(name, helped[i]), 0, "%s twice", name);
            strcpy(helped[metrics++], name);
            strcpy(typed, "");
        } else if (sscanf(line, "# TYPE %79s", name) == 1) {
            cr_assert_str_eq(name, helped[metrics - 1]);
            cr_assert_eq(typed[0], '\0');
            strcpy(typed, name);
        } else {
            cr_assert_neq(typed[0], '\0', "%s", line);
            cr_assert_eq(strncmp(line, typed, strlen(typed)), 0, "%s", line);
        }
    }
    cr_assert_gt(metrics, 30, "%u", metrics);
}
