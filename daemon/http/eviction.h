/* SPDX-License-Identifier: MIT */
/* Which connection is closed when the limit is near: what is known of each, by its descriptor, and the
 * choice among them. For connections.c, which locks. */
#ifndef HTTP_EVICTION_H
#define HTTP_EVICTION_H

#include "core/hash.h"
#include "http/client_counts.h"
#include "http/connection.h"

struct eviction;

/* For descriptors below `descriptors`; connections with others are never chosen. NULL when out of
 * memory. */
struct eviction *eviction_new(uint32_t descriptors, const struct hash_key *key);

/* No-op on NULL. */
void eviction_free(struct eviction *eviction);

/* Counts a new connection for `client`; NULL: for none. Whatever had its descriptor before is closed.
 * Returns how many its client has now. */
struct client_weight eviction_expect(struct eviction *eviction, int fd,
                                     const struct p0f_addr *client);

/* From now on it can be chosen. */
void eviction_add(struct eviction *eviction, struct connection *connection);

/* From now on it cannot, and is not counted. No-op if it is not known. */
void eviction_remove(struct eviction *eviction, int fd);

struct victim {
    struct connection *connection; /* NULL: none can be chosen */
    struct client_weight weight;
    bool idle;            /* no request is being read, looked up or answered */
    uint32_t awaited_for; /* see connection_awaited_for() */
};

/* Chooses a connection of the client that has most, or of one that has nearly as many: it samples some
 * dozens, spread over all descriptors. Of one client's it prefers those that are idle, and of these the
 * one that has been idle longest. */
struct victim eviction_choose(struct eviction *eviction, uint32_t second);

#endif
