/* SPDX-License-Identifier: MIT */
/* The shared tier: the hosts that the sensors of a fleet know, in a Valkey or Redis server or cluster.
 *
 * A host is a hash, PREFIX<ip>, with a field for each sensor that has seen it. The value is the raw JSON of
 * GET /host?format=raw with `sensor` and `observed_at` (Unix seconds). The hash expires a time to live
 * after the last write.
 *
 * No caller waits for the tier longer than `timeout`. A server that fails is not used (breaker.h) until it
 * answers again; meanwhile everything is as without the tier. All that is read is validated. Belongs to the
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
    uint32_t max_hosts; /* whose last write is remembered */
    struct hash_key key;
    uint64_t seed; /* of the jitter */
};

#define SHARE_ERROR_SIZE 512

/* Starts connecting. NULL with the reason in `error`; a server that cannot be reached now is no reason. */
struct share *share_new(const struct share_options *options, char error[SHARE_ERROR_SIZE]);

/* All queries must have been answered or cancelled. No-op on NULL. */
void share_free(struct share *share);

/* Applies to later reads and writes. */
void share_set_times(struct share *share, const struct share_times *times);

/* ---- Reading */

/* Reads a host. False if the server is not up or has too many reads in flight: nothing was sent. */
bool share_ask(struct share *share, struct share_query *query) P0F_MUST_USE;

/* `answer` will not be called. */
void share_cancel(struct share *share, struct share_query *query);

/* ---- Writing */

/* Writes a host that the sensor has just found, unless it is unchanged and was written a moment ago. The name is
 * borrowed until share_free(). Never fails: what cannot be written now is dropped and counted. */
void share_write(struct share *share, const struct p0f_addr *addr, const struct p0f_host *host,
                 const char *sensor);

/* ---- For /status and /metrics */

/* Open connections to servers, each with a descriptor. */
unsigned share_connections(const struct share *share);

void share_status(const struct share *share, struct share_status *status);

#endif
