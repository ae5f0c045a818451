/* SPDX-License-Identifier: MIT */
/* The writes of share.h. Belongs to the loop's thread. */
#ifndef SHARE_WRITER_H
#define SHARE_WRITER_H

#include "core/hash.h"
#include "share/commands.h"
#include "share/share_query.h"

struct writer;

struct writer_options {
    struct loop *loop; /* borrowed, as all pointers here */
    wall_fn *wall;
    const char *prefix; /* up to SHARE_PREFIX_MAX bytes */
    struct commands *commands;
    struct share_counts *counts;
    struct share_log *log;
    const struct share_times *times;
    uint32_t max_hosts;
    struct hash_key key;
};

/* NULL when out of memory. */
struct writer *writer_new(const struct writer_options *options);

/* After commands_free(). */
void writer_free(struct writer *writer);

/* See share_write(). */
void writer_write(struct writer *writer, const struct p0f_addr *addr, const struct p0f_host *host,
                  const char *sensor);

/* The number of hosts whose last write is remembered. */
uint32_t writer_hosts(const struct writer *writer);

#endif
