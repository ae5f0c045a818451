/* SPDX-License-Identifier: MIT */
/* The reads of share.h: each is answered within the timeout, whatever the server does. Belongs to the loop's
 * thread. */
#ifndef SHARE_READER_H
#define SHARE_READER_H

#include "share/share_parts.h"

struct reader;

/* NULL when out of memory. */
struct reader *reader_new(const struct share_parts *parts);

/* No query is answered any more. Call it before commands_free(), and reader_free() after that. */
void reader_stop(struct reader *reader);
void reader_free(struct reader *reader);

/* See share_ask() and share_cancel(). */
bool reader_ask(struct reader *reader, struct share_query *query);
void reader_cancel(struct share_query *query);

/* Fills in the part about reads. */
void reader_status(const struct reader *reader, struct share_status *status);

#endif
