/* SPDX-License-Identifier: MIT */
/* What a client of the relay sends, cut into queries.
 *
 * While a query is pending, the last byte that was read is left in the socket. If we then close a unix socket,
 * the client gets an error (ECONNRESET) instead of an end of file. Some clients, such as Haraka's plugin,
 * reconnect only after an error; after an end of file they wait for an answer for ever.
 *
 * Belongs to one thread at a time. */
#ifndef RELAY_RELAY_INPUT_H
#define RELAY_RELAY_INPUT_H

#include "p0fclient.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RELAY_QUERIES_MAX 16 /* of one connection, under way or answered and not yet written */

/* Zeroed but for `fd`. */
struct relay_input {
    int fd;
    bool kept;    /* the last byte read is still in the socket, which therefore stays readable */
    bool limited; /* no more than `left` is read */
    uint8_t part_length; /* of a query that has come in part */
    uint8_t part[P0F_QUERY_SIZE];
    size_t left;
};

struct relay_batch {
    unsigned count;
    size_t peeked; /* in the socket still */
    uint8_t bytes[1 + RELAY_QUERIES_MAX * P0F_QUERY_SIZE];
};

enum relay_input_result {
    RELAY_INPUT_READ,  /* what there was, which may be nothing */
    RELAY_INPUT_ENDED, /* and there will be no more */
    RELAY_INPUT_FAILED
};

/* Reads up to `max` queries, at most RELAY_QUERIES_MAX. relay_input_consume() must follow, unless it failed. */
enum relay_input_result relay_input_read(struct relay_input *input, struct relay_batch *batch,
                                         unsigned max) P0F_MUST_USE;

/* The n-th of the batch, P0F_QUERY_SIZE bytes. */
const uint8_t *relay_input_query(const struct relay_batch *batch, unsigned n);

/* Takes what has been read out of the socket, all but its last byte if `keep`. False: it failed. */
bool relay_input_consume(struct relay_input *input, const struct relay_batch *batch, bool keep)
    P0F_MUST_USE;

/* Takes the byte that was kept, if there is one. False: it failed. */
bool relay_input_let_go(struct relay_input *input) P0F_MUST_USE;

/* From now on only what has arrived is read. False: there is nothing. */
bool relay_input_limit(struct relay_input *input) P0F_MUST_USE;

#endif
