/* SPDX-License-Identifier: MIT */
/* Remembers the last write of each host to the shared tier, in a table of fixed size. When it is full, the
 * oldest writes are forgotten. Pure. */
#ifndef SHARE_WRITTEN_H
#define SHARE_WRITTEN_H

#include "core/clock.h"
#include "core/hash.h"
#include "p0fclient.h"

#include <stdbool.h>
#include <stdint.h>

struct written;

/* For about this many hosts; memory is only used as it fills. NULL when out of memory. */
struct written *written_new(uint32_t hosts, struct hash_key key);
void written_free(struct written *written);

/* Whether a host that a sensor has just found must be written: it is new, has changed in more than last_seen,
 * total_conn and the uptime, or the interval has passed. If so, it is remembered as written at `now`. */
bool written_due(struct written *written, const struct p0f_addr *addr, const char *sensor,
                 const struct p0f_host *host, struct mono now, int64_t interval_ms);

/* The write has failed: the host is due again. */
void written_forget(struct written *written, const struct p0f_addr *addr, const char *sensor);

uint32_t written_count(const struct written *written);

#endif
