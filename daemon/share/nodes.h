/* SPDX-License-Identifier: MIT */
/* The servers of the shared tier, and which of them has a key: a single one, or the nodes of a cluster. The
 * servers in the settings stay connected for good; others are learned from them, and forgotten when the
 * cluster does not have them any more. Belongs to the loop's thread. */
#ifndef SHARE_NODES_H
#define SHARE_NODES_H

#include "share/node_address.h"
#include "share/node_connection.h"
#include "share/share_log.h"

#include <stdbool.h>
#include <stdint.h>

#define NODES_REFRESH_MS 1000 /* at least, between two questions for the map of the cluster */
#define NODES_FORGET_MS                                                                            \
    60000 /* a node that is in no map is forgotten when it was not used so long */

struct nodes;

struct node {
    struct node_connection *connection;
    char server[SHARE_SERVER_SIZE]; /* for messages */
    unsigned index; /* below SHARE_NODES_MAX; another node's, when this one is forgotten */
    bool up;

    /* Of nodes.c. */
    struct nodes *nodes;
    struct redis_url url;
    bool seed;    /* in the settings */
    bool mapped;  /* has slots, by the last map */
    bool foreign; /* none of a cluster, while others are */
    bool settled; /* has been up or down */
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
    /* It takes commands; it takes none any more. */
    void (*up)(void *ctx, struct node *node);
    void (*down)(void *ctx, struct node *node);
    void *ctx;
};

/* Begins to connect. NULL when out of memory. */
struct nodes *nodes_new(const struct nodes_options *options);

/* Each is told to be down before its connection is closed. No-op on NULL. */
void nodes_free(struct nodes *nodes);

void nodes_set_timeout(struct nodes *nodes, int64_t timeout_ms);

/* The slot of a key; 0 where there is no cluster, and slots do not matter. */
unsigned nodes_slot(const struct nodes *nodes, const char *key, size_t length);

/* The node to ask about a key of this slot; it may be down. NULL when no node can be asked. */
struct node *nodes_of_slot(struct nodes *nodes, unsigned slot);

/* Whether it is worth a short wait: its connection was begun a moment ago. */
bool nodes_is_starting(const struct node *node);

/* The node that is there, by what `from` says: connects to one that is not known yet. NULL when that cannot be,
 * and where there is no cluster. */
struct node *nodes_at(struct node *from, const struct node_address *address);

/* The slot belongs to this node now (NULL: to one that cannot be used), says a redirection: the map is out of
 * date. */
void nodes_moved(struct nodes *nodes, unsigned slot, const struct node *node);

/* Connections that are open. */
unsigned nodes_connections(const struct nodes *nodes);

/* Fills what is told about servers. */
void nodes_status(const struct nodes *nodes, struct share_status *status);

#endif
