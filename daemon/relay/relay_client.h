/* SPDX-License-Identifier: MIT */
/* One connection of the relay: reads queries, looks them up, writes the answers in the order of the
 * queries.
 *
 * Several queries may be under way, up to RELAY_QUERIES_MAX; more of them wait in the socket's buffer, as
 * they do when the client does not read its answers. In one round of the loop it reads no more than that,
 * so that a client that sends without end holds up nobody. A connection that is idle stays open for ever.
 *
 * When p0f fails and nothing that is cached can be served, the connection is reset after the answers that
 * precede, as that of a p0f that ends with queries unread. A client that half-closes gets its answers first.
 *
 * Belongs to the loop's thread. */
#ifndef RELAY_RELAY_CLIENT_H
#define RELAY_RELAY_CLIENT_H

#include "core/loop_crowd.h"
#include "lookup/lookup.h"
#include "relay/relay_input.h"
#include "relay/relay_turns.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

struct relay_client;

/* For the owner's list of them. */
struct relay_client_entry {
    LIST_ENTRY(relay_client_entry) link;
    struct relay_client *client;
};

struct relay_client_options {
    struct loop *loop;        /* borrowed until `left` is called, as are the next three */
    struct loop_crowd *crowd; /* of that loop: watches all connections */
    struct lookup *lookup;
    struct relay_turns *turns;
    /* The connection is closed: the entry is to be removed from the list, and is not valid any more. */
    void (*left)(void *ctx, struct relay_client_entry *entry);
    void *ctx;
};

/* Takes over a connected, non-blocking unix socket. NULL with errno, and the socket is closed. `options`
 * is borrowed, too. */
struct relay_client_entry *relay_client_new(const struct relay_client_options *options, int fd);

/* Closes the connection at once. left() is called before this returns. */
void relay_client_close(struct relay_client *client);

/* Reads what has arrived, then nothing more: the connection closes when its queries are answered, or at
 * once. */
void relay_client_shut_down(struct relay_client *client);

#endif
