/* SPDX-License-Identifier: MIT */
/* A connection, as the files that implement it see it. Private to the library. */
#ifndef CONN_PRIVATE_H
#define CONN_PRIVATE_H

#include "p0fclient.h"
#include "resync.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RX_SIZE 4096u /* several answers, of whatever dialect */

struct pending {
    p0f_answer_fn *answer; /* NULL for a probe */
    void *ctx;
};

struct p0f_conn {
    int fd;
    enum p0f_error error; /* sticky */
    enum p0f_dialect wanted;
    enum p0f_dialect spoken;
    size_t answer_size; /* of whatever dialect this is; at least, until that is known */
    bool retired;
    bool calling; /* inside a callback */

    unsigned probes; /* not yet answered */
    unsigned first;  /* in the ring, of `capacity` slots */
    unsigned count, capacity;

    size_t unsent_start; /* in tx */
    size_t unsent_end;
    uint64_t sent;     /* bytes, ever */
    uint64_t answered; /* answers, ever */
    bool hung_up;

    struct p0f_resync resync; /* what has arrived since the error */

    size_t rx_length;
    uint8_t rx[RX_SIZE];
    uint8_t *tx; /* capacity * P0F_QUERY_SIZE */
    struct pending ring[];
};

/* From now on, calls no callbacks: its queries are answered as probes are. */
void p0f_conn_silence(struct p0f_conn *conn);

/* Closes and frees it whatever is outstanding, since another process has the socket open. Pending queries
 * are told P0F_DISCONNECTED. */
void p0f_conn_drop(struct p0f_conn *conn);

#endif
