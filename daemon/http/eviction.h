/* SPDX-License-Identifier: MIT */
/* Whose connection is to end when there is little room: what is known of each by its descriptor, and
 * the choice among them. For connections.c, which locks. */
#ifndef HTTP_EVICTION_H
#define HTTP_EVICTION_H

#include "core/hash.h"
#include "http/client_counts.h"
#include "http/connection.h"

struct eviction;

/* For descriptors below `descriptors`; of others nothing is known, and they are never chosen. NULL when
 * out of memory. */
struct eviction *eviction_new(uint32_t descriptors, const struct hash_key *key);

/* No-op on NULL. */
void eviction_free(struct eviction *eviction);

/* One comes from there, which is counted for its client; NULL: for none. Whatever had its descriptor
 * before has gone. Returns how much its client has now. */
struct client_weight eviction_expect(struct eviction *eviction, int fd,
                                     const struct p0f_addr *client);

/* It is there, and can be chosen from now on. */
void eviction_add(struct eviction *eviction, struct connection *connection);

/* It is not, any more. No-op for one that is not there. */
void eviction_remove(struct eviction *eviction, int fd);

struct victim {
    struct connection *connection; /* NULL: there is none */
    struct client_weight weight;
    bool idle;            /* no request is on its way, or waits for an answer */
    uint32_t awaited_for; /* see connection_awaited_for() */
};

/* One of the client that has most, or of one that has nearly as many: some dozens are looked at, from
 * all parts of the descriptors. Of one client's, one that is idle, and that longest of these. */
struct victim eviction_choose(struct eviction *eviction, uint32_t second);

#endif
