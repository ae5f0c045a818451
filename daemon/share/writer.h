/* SPDX-License-Identifier: MIT */
/* The writes of share.h. Belongs to the loop's thread. */
#ifndef SHARE_WRITER_H
#define SHARE_WRITER_H

#include "core/hash.h"
#include "share/share_parts.h"

struct writer;

/* For about `max_hosts` hosts whose last write is remembered. NULL when out of memory. */
struct writer *writer_new(const struct share_parts *parts, uint32_t max_hosts, struct hash_key key);

/* After commands_free(). */
void writer_free(struct writer *writer);

/* See share_write(). */
void writer_write(struct writer *writer, const struct p0f_addr *addr, const struct p0f_host *host,
                  const char *sensor);

/* The number of hosts whose last write is remembered. */
uint32_t writer_hosts(const struct writer *writer);

#endif
