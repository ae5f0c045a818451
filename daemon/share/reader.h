/* SPDX-License-Identifier: MIT */
/* The reads of share.h: each is answered within the timeout, whatever the server does. Belongs to the loop's
 * thread. */
#ifndef SHARE_READER_H
#define SHARE_READER_H

#include "share/commands.h"
#include "share/share_query.h"

struct reader;

struct reader_options {
    struct loop *loop; /* borrowed, as all pointers here */
    wall_fn *wall;
    const char *prefix; /* up to SHARE_PREFIX_MAX bytes */
    struct commands *commands;
    struct share_counts *counts;
    struct share_log *log;
    const struct share_times *times;
};

/* NULL when out of memory. */
struct reader *reader_new(const struct reader_options *options);

/* No query is answered any more. Call it before commands_free(), and reader_free() after that. */
void reader_stop(struct reader *reader);
void reader_free(struct reader *reader);

/* See share_ask() and share_cancel(). */
bool reader_ask(struct reader *reader, struct share_query *query);
void reader_cancel(struct share_query *query);

/* Fills in the part about reads. */
void reader_status(const struct reader *reader, struct share_status *status);

#endif
