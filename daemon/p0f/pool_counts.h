/* SPDX-License-Identifier: MIT */
/* The counters of a pool since the start, for /metrics. Belongs to the loop's thread. */
#ifndef P0F_POOL_COUNTS_H
#define P0F_POOL_COUNTS_H

#include "core/histogram.h"
#include "p0fclient.h"

#include <stdint.h>

/* Zeroed before its first use. Connections opened in place of a lost one are the `reconnects` of struct
 * pool_status. */
struct pool_counts {
    uint64_t queries;                    /* sent, without the probes of new connections */
    uint64_t found, no_match, bad_query; /* answers */
    uint64_t lost_disconnected;          /* queries without an answer: p0f closed the connection */
    uint64_t lost_malformed;             /* … the connection had a malformed answer */
    uint64_t lost_wrong_dialect;         /* … p0f speaks another dialect than p0f.dialect */
    uint64_t connected;                  /* connections opened */
    uint64_t connect_failed;             /* attempts that failed */
    uint64_t connections_lost;           /* closed by p0f, or closed because of an invalid answer */
    struct histogram answer_time;        /* from sending a query to its answer */
};

/* A query sent `ns` nanoseconds ago has ended with `error`, as of struct pool_query. */
void pool_counts_answer(struct pool_counts *counts, enum p0f_error error, int64_t ns);

#endif
