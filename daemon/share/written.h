/* SPDX-License-Identifier: MIT */
/* When each host was last written to the tier, and what: a table of fixed size, which forgets the oldest when
 * it is full. Pure. */
#ifndef SHARE_WRITTEN_H
#define SHARE_WRITTEN_H

#include "core/clock.h"
#include "core/hash.h"
#include "p0fclient.h"

#include <stdbool.h>
#include <stdint.h>

struct written;

/* For about so many hosts; its memory is only touched as it fills. NULL when out of memory. */
struct written *written_new(uint32_t hosts, struct hash_key key);
void written_free(struct written *written);

/* Whether a host is to be written that a sensor has just told this about: it is new, has changed in more than
 * what a visit changes (last_seen, total_conn, uptime), or the interval has passed. If so, that is
 * remembered as done at `now`. */
bool written_due(struct written *written, const struct p0f_addr *addr, const char *sensor,
                 const struct p0f_host *host, struct mono now, int64_t interval_ms);

/* It was not written after all: it is due again. */
void written_forget(struct written *written, const struct p0f_addr *addr, const char *sensor);

uint32_t written_count(const struct written *written);

#endif
