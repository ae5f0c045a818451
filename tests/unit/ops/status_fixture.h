/* SPDX-License-Identifier: MIT */
/* A snapshot in which everything has a value of its own, for the tests of render_status. */
#ifndef STATUS_FIXTURE_H
#define STATUS_FIXTURE_H

#include "ops/render_status.h"
#include "share_fixture.h"

#include <errno.h>

static struct status_sensor full_sensor = {
    .name = "",
    .pool = {.socket = "/run/\xe9",
             .dialect = P0F_DIALECT_API2,
             .up = true,
             .limit_suspected = true,
             .queued = 10,
             .outstanding = 11,
             .max_rate = 12,
             .reconnects = 13,
             .connections = 2,
             .links = {{.state = LINK_READY,
                        .dialect = P0F_DIALECT_API2,
                        .outstanding = 14,
                        .pending = 15,
                        .age = 16999,
                        .overdue = 17,
                        .reconnects = 18},
                       {.fault = {.error = P0F_UNREACHABLE, .cause = ENOENT}}}},
};

static inline struct status_snapshot full_snapshot(void)
{
    struct config_snapshot *snapshot = config_snapshot_new();

    config_snapshot_add(snapshot, "http", "listen", "unix:/run/\xe9");
    config_snapshot_add(snapshot, "http", "access_log", "no");
    config_snapshot_add(snapshot, "cache", "ttl", "30s");
    config_snapshot_add_waiting(snapshot, "http", "listen", "unix:/run/b");
    config_snapshot_add_waiting(snapshot, "http", "access_log", "yes");
    return (struct status_snapshot){
        .version = "1.2.3",
        .started = 1700000000,
        .uptime = 61999,
        .configuration = snapshot,
        .reload = {.succeeded = 1700000001, .error = "/etc/x.conf:3: \xe9"},
        .cache = {.hosts = 1,
                  .misses = 2,
                  .evicted_hosts = 3,
                  .evicted_misses = 4,
                  .hosts_bytes = 19,
                  .misses_bytes = 20},
        .max_hosts = 5,
        .max_misses = 6,
        .lookups = {.pending = 7, .max_pending = 8, .flights = 9},
        .has_relay = true,
        .relay = {"unix:/run/a, unix:/run/b", 21, 22, 23, 24},
        .sensors_count = 1,
        .sensors = &full_sensor,
    };
}

#endif
