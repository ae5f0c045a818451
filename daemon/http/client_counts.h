/* SPDX-License-Identifier: MIT */
/* How many connections each client has, so that it can be told who has most. A client is an IPv4
 * address or, in IPv6, whoever has a /64, a /56 or a /48 to take addresses from: nobody can tell which,
 * so connections are counted for each of these.
 *
 * Memory is fixed, and a keyed hash finds the counts, as strangers choose the addresses. Adding,
 * removing and looking take the same time however many there are. The caller locks. */
#ifndef HTTP_CLIENT_COUNTS_H
#define HTTP_CLIENT_COUNTS_H

#include "core/hash.h"
#include "p0fclient.h"

#include <stdint.h>

struct client_counts;

/* For so many connections at once. NULL when out of memory. */
struct client_counts *client_counts_new(uint32_t max_connections, const struct hash_key *key);

/* No-op on NULL. */
void client_counts_free(struct client_counts *counts);

/* Counts one connection of this address, and returns by what number to speak of it, until as many are
 * removed. 0: max_connections are counted already; it is not. */
uint32_t client_counts_add(struct client_counts *counts, const struct p0f_addr *addr);

/* One connection less. No-op on 0. */
void client_counts_remove(struct client_counts *counts, uint32_t client);

/* Connections of a client's /48, /56 and /64; of an IPv4 address all three are the same. */
struct client_weight {
    uint32_t counts[3];
};

/* 1, 1, 1 for 0: as one who has nothing besides. */
struct client_weight client_counts_weight(const struct client_counts *counts, uint32_t client);

/* As memcmp(): above 0 when `a` is the heavier one. The shortest prefix decides: one who spreads over
 * it is no lighter for that; the longer ones tell who has most within it. */
int client_weight_compare(const struct client_weight *a, const struct client_weight *b);

#endif
