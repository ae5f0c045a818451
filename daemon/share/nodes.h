/* SPDX-License-Identifier: MIT */
/* The servers of the shared tier, a single one or the nodes of a cluster, and which of them has a key. The
 * servers in the settings always stay connected; other nodes are discovered, and dropped once they have left
 * the cluster. Belongs to the loop's thread. */
#ifndef SHARE_NODES_H
#define SHARE_NODES_H

#include "share/node_address.h"
#include "share/node_connection.h"
#include "share/share_log.h"

#include <stdbool.h>
#include <stdint.h>

#define NODES_REFRESH_MS 1000 /* minimum time between two CLUSTER SLOTS */
#define NODES_FORGET_MS                                                                            \
    60000 /* a node that is not in the slot map is dropped after this time without use */

struct nodes;

struct node {
    struct node_connection *connection;
    char server[SHARE_SERVER_SIZE]; /* for messages */
    unsigned index; /* below SHARE_NODES_MAX; reused for another node after this one is dropped */
    bool up;

    /* Of nodes.c. */
    struct nodes *nodes;
    struct redis_url url;
    bool seed;    /* from the settings */
    bool mapped;  /* has slots, by the last slot map */
    bool foreign; /* not in cluster mode, unlike the others: not used */
    bool settled; /* has been up or down: its first attempt to connect is over */
    struct mono created, used;
};

struct nodes_options {
    struct loop *loop;            /* borrowed, as all pointers here */
    const struct redis_url *urls; /* copied */
    unsigned count;               /* up to SHARE_NODES_MAX */
    int64_t timeout_ms;
    uint64_t seed;
    struct share_counts *counts;
    struct share_log *log;
    /* Commands can be sent to the node; they cannot any more. */
    void (*up)(void *ctx, struct node *node);
    void (*down)(void *ctx, struct node *node);
    void *ctx;
};

/* Starts connecting. NULL when out of memory. */
struct nodes *nodes_new(const struct nodes_options *options);

/* Calls `down` for each node before its connection is closed. No-op on NULL. */
void nodes_free(struct nodes *nodes);

void nodes_set_timeout(struct nodes *nodes, int64_t timeout_ms);

/* The slot of a key; 0 without a cluster. */
unsigned nodes_slot(const struct nodes *nodes, const char *key, size_t length);

/* The node for a key in this slot; it may be down. NULL if there is none. */
struct node *nodes_of_slot(struct nodes *nodes, unsigned slot);

/* Whether its first attempt to connect has just begun, so that a short wait for it makes sense. */
bool nodes_is_starting(const struct node *node);

/* The node with this address, which `from` has given; connects to it if it is new. NULL if there are too many
 * nodes, out of memory, or without a cluster. */
struct node *nodes_at(struct node *from, const struct node_address *address);

/* A redirection says that the slot has moved to this node (NULL: to one that cannot be used): refreshes the
 * slot map. */
void nodes_moved(struct nodes *nodes, unsigned slot, const struct node *node);

/* Connections that are open. */
unsigned nodes_connections(const struct nodes *nodes);

/* Fills in the part about servers. */
void nodes_status(const struct nodes *nodes, struct share_status *status);

#endif
