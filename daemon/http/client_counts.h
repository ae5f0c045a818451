/* SPDX-License-Identifier: MIT */
/* Counts the connections of each client, to tell who has most. A client is an IPv4 address or, in IPv6,
 * whoever has been delegated a /64, a /56 or a /48: nobody can tell which, so connections are counted for
 * each of these prefixes.
 *
 * Memory is fixed, and the hash is keyed, as strangers choose the addresses. Each operation takes
 * constant time. The caller locks. */
#ifndef HTTP_CLIENT_COUNTS_H
#define HTTP_CLIENT_COUNTS_H

#include "core/hash.h"
#include "p0fclient.h"

#include <stdint.h>

struct client_counts;

/* NULL when out of memory. */
struct client_counts *client_counts_new(uint32_t max_connections, const struct hash_key *key);

/* No-op on NULL. */
void client_counts_free(struct client_counts *counts);

/* Counts a connection of this address. Returns the client's number, which is valid until as many have
 * been removed; 0 when max_connections are counted already, and this one is not. */
uint32_t client_counts_add(struct client_counts *counts, const struct p0f_addr *addr);

/* Uncounts one. No-op on 0. */
void client_counts_remove(struct client_counts *counts, uint32_t client);

/* Connections of a client's /48, /56 and /64; of an IPv4 address all three are the same. */
struct client_weight {
    uint32_t counts[3];
};

/* For 0 it is 1, 1, 1: that of a client with a single connection. */
struct client_weight client_counts_weight(const struct client_counts *counts, uint32_t client);

/* As memcmp(): above 0 when `a` is heavier. The shortest prefix decides, so that spreading connections
 * over it gains nothing; the longer ones tell who has most within it. */
int client_weight_compare(const struct client_weight *a, const struct client_weight *b);

#endif
