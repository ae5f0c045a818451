/* SPDX-License-Identifier: MIT */
/* The state of the daemon at one moment, for GET /status and the gauges of /metrics.
 *
 * A snapshot of cache, lookup and pool is taken in the loop's thread, between two events, so its parts
 * are consistent. It shares nothing with them: any thread may read and render it. */
#ifndef OPS_STATUS_H
#define OPS_STATUS_H

#include "config/snapshot.h"
#include "core/loop.h"
#include "lookup/lookup.h"
#include "lookup/recall.h"
#include "ops/descriptors.h"
#include "p0f/sensors.h"
#include "share/share.h"
#include "tls/current.h"

#include <stdint.h>

struct status;

struct status_options {
    struct loop *loop; /* all borrowed until status_free() */
    boottime_fn *boottime;
    struct recall *recall;
    struct lookup *lookup;
    struct sensors *sensors;
    struct share *share; /* NULL: no shared tier */
    uint32_t max_hosts;  /* of the cache */
    uint32_t max_misses;
    const char *version; /* static */
    int64_t started;     /* unix seconds */
};

/* The relay at one moment. */
struct status_relay {
    const char *listen; /* as in the settings; lives as long as the status */
    uint32_t connections;
    uint32_t max_connections;
    uint32_t lookups; /* that wait for p0f */
    uint32_t max_lookups;
};

/* What is served with TLS. */
struct status_tls {
    const char *listen; /* as in the settings; lives as long as the status */
    struct tls_facts certificate;
};

struct status_sensor {
    const char *name; /* "" for none; lives as long as the sensors */
    struct pool_status pool;
};

/* Called in the loop's thread. */
typedef void status_relay_fn(void *ctx, struct status_relay *relay);

#define STATUS_RELOAD_ERROR_SIZE 1024

/* How the settings were read the last time, be it at the start. */
struct status_reload {
    int64_t succeeded;                    /* unix seconds: the last time that it was successful */
    char error[STATUS_RELOAD_ERROR_SIZE]; /* "": successful */
};

struct status_snapshot {
    const char *version;
    int64_t started; /* unix seconds */
    int64_t uptime;  /* milliseconds */
    struct config_snapshot *configuration;
    struct status_reload reload;
    struct recall_counts cache;
    uint32_t max_hosts;
    uint32_t max_misses;
    struct lookup_counts lookups;
    unsigned sensors_count;
    struct status_sensor *sensors; /* owned, as is the next one */
    struct share_status *share;    /* NULL: no shared tier */
    bool has_relay;
    struct status_relay relay;
    bool has_tls;
    struct status_tls tls;
    bool open_fds_known; /* the descriptors of this process; see descriptors.h */
    uint64_t open_fds;
};

struct status_request {
    /* Set by the caller. */
    void (*done)(struct status_request *request);

    /* Set when done: the caller frees it with status_snapshot_free(). NULL: out of memory, or
     * closed. */
    struct status_snapshot *snapshot;

    /* The status' own. */
    struct status *status;
    struct loop_task task;
};

/* The uptime counts from now, and the settings have been read successfully at options->started. NULL with
 * errno when out of memory. */
struct status *status_new(const struct status_options *options);

/* No request may be pending. No-op on NULL. */
void status_free(struct status *status);

/* The settings that snapshots show from now on; takes the reference over. In the loop's thread, or
 * before it runs. Needed before the first status_gather(). */
void status_set_configuration(struct status *status, struct config_snapshot *snapshot);

/* A reload was successful, or failed with this message, which is copied. `now` is in unix seconds. In the
 * loop's thread. */
void status_reloaded(struct status *status, int64_t now);
void status_reload_failed(struct status *status, const char *error);

/* Where the number of open descriptors comes from; borrowed until status_free(). Before the loop runs;
 * without it, the number is not known. */
void status_set_descriptors(struct status *status, const struct descriptors *descriptors);

/* Where the state of the relay comes from, if there is one. Before the loop runs. */
void status_set_relay(struct status *status, status_relay_fn *relay, void *ctx);

/* Which certificate new connections get, if there is TLS; borrowed until status_free(), as is `listen`.
 * Before the loop runs. */
void status_set_tls(struct status *status, struct tls_current *certificate, const char *listen);

/* The request belongs to the status until done() is called, once: in the loop's thread or, if there is
 * no snapshot, in this one before this returns. Any thread. */
void status_gather(struct status *status, struct status_request *request);

/* No-op on NULL. Any thread. */
void status_snapshot_free(struct status_snapshot *snapshot);

/* No snapshots from here on, except for pending requests: the loop is about to end. Any thread. */
void status_close(struct status *status);

/* Requests not yet done. Any thread. */
uint32_t status_pending(const struct status *status);

#endif
