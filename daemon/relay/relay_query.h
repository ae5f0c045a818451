/* SPDX-License-Identifier: MIT */
/* One query in p0f's protocol and its answer, byte for byte as stock p0f 3.09b gives it, whatever dialect
 * p0f itself speaks. Any thread; a query belongs to one at a time. */
#ifndef RELAY_RELAY_QUERY_H
#define RELAY_RELAY_QUERY_H

#include "lookup/lookup_request.h"
#include "p0fclient.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RELAY_ANSWER_SIZE 232

struct relay_query {
    struct lookup_request lookup; /* first, so that a pointer to it is one to the query */
    bool malformed;               /* magic or type is wrong; there is no lookup */
};

/* Reads a query; the lookup's `flow`, `came`, `began` and `done` are still to be set. The host is taken to
 * be connected now, as it is when a mail or web server asks about a client. */
void relay_query_read(struct relay_query *query, const uint8_t in[P0F_QUERY_SIZE]);

/* The same about a query whose lookup is done, or that is malformed. */

/* Whether p0f has an answer to it: if not, all that is left is to hang up, as a p0f that ends does. */
bool relay_query_has_answer(const struct relay_query *query);

/* Writes the answer, which there must be, and counts it in the metrics. */
void relay_query_answer(const struct relay_query *query, uint8_t out[RELAY_ANSWER_SIZE]);

/* Releases what the lookup has found. */
void relay_query_release(struct relay_query *query);

#endif
