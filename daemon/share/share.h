/* SPDX-License-Identifier: MIT */
/* The shared tier: what the sensors of a fleet know, in a Valkey or Redis server, or a cluster of them.
 *
 * A host is a hash, PREFIX<ip>; each sensor that has seen it has a field, whose value is the raw JSON of
 * GET /host?format=raw with `sensor` and `observed_at` (Unix seconds). The hash expires some time after the
 * last write.
 *
 * No caller waits for the tier longer than `timeout`. A server that fails is left out (breaker.h) until it
 * answers again; then everything is as without the tier. What comes from it is validated. Belongs to the
 * loop's thread. */
#ifndef SHARE_SHARE_H
#define SHARE_SHARE_H

#include "core/clock.h"
#include "core/hash.h"
#include "core/loop.h"
#include "share/share_query.h"

#include <stdbool.h>
#include <stdint.h>

struct share;

struct share_options {
    struct loop *loop;  /* borrowed until share_free() */
    wall_fn *wall;      /* Unix seconds */
    const char *server; /* as in the settings: URLs, comma-separated; copied */
    const char *prefix; /* of keys, up to SHARE_PREFIX_MAX bytes; copied */
    struct share_times times;
    uint32_t max_hosts; /* about which it is remembered when they were written */
    struct hash_key key;
    uint64_t seed; /* of the jitter */
};

#define SHARE_ERROR_SIZE 512

/* Begins to connect. NULL with the reason in `error`; nothing is wrong with a server that cannot be reached
 * now. */
struct share *share_new(const struct share_options *options, char error[SHARE_ERROR_SIZE]);

/* Closes the connections, whose queries must have been answered or cancelled. No-op on NULL. */
void share_free(struct share *share);

/* For reads and writes from now on. */
void share_set_times(struct share *share, const struct share_times *times);

/* ---- Reading */

/* Asks the tier. False, and it is not asked, while it is left out. */
bool share_ask(struct share *share, struct share_query *query) P0F_MUST_USE;

/* `answer` is not called. */
void share_cancel(struct share *share, struct share_query *query);

/* ---- Writing */

/* Writes what the sensor (its name is borrowed until share_free()) has just told about a host, unless it was written a
 * moment ago and has not changed. Never fails: what cannot be written now is dropped, and counted. */
void share_write(struct share *share, const struct p0f_addr *addr, const struct p0f_host *host,
                 const char *sensor);

/* ---- For /status and /metrics */

/* Connections to servers that are open, each a descriptor. */
unsigned share_connections(const struct share *share);

void share_status(const struct share *share, struct share_status *status);

#endif
