/* SPDX-License-Identifier: MIT */
/* Who asks the relay, and what each may be told: to each query one answer in its order, the truth about its
 * host, as p0f says it to those who speak its protocol. It is closed only when there was a cause for
 * it. */
#ifndef RELAY_CLIENTS_H
#define RELAY_CLIENTS_H

#include "lookup/lookup.h"
#include "lookup/recall.h"
#include "relay/relay.h"

#include <stdbool.h>

/* The relay under test, the lookup that it uses, and the settings in force. */
void relay_clients_start(struct relay *relay, struct lookup *lookup,
                         const struct lookup_limits *limits, const struct recall_times *times);

/* Settings have been changed, and the relay told. */
void relay_clients_new_limits(const struct lookup_limits *limits);
void relay_clients_new_times(const struct recall_times *times);

/* One of them connects, sends, reads, half-closes or closes. */
void relay_clients_act(void);

/* Around a round of the loop. */
void relay_clients_before_round(void);
void relay_clients_after_round(void);

/* Queries that are not answered yet, and have not been read by who has asked. */
unsigned relay_clients_waiting(void);

/* Each sends what it has begun, and reads all there is. */
void relay_clients_read_all(void);

/* From now on a connection may be closed when its queries are answered, or without an answer. */
void relay_clients_shut_down(void);

/* All of them close, and the relay has noticed. */
void relay_clients_end(void);

#endif
