/* SPDX-License-Identifier: MIT */
/* A connection to one Valkey or Redis server: re-established after a growing, jittered pause when it breaks,
 * and left out while the server does not answer. hiredis speaks the protocol, in our loop.
 *
 * A command's `reply` is called exactly once. Belongs to the loop's thread. */
#ifndef SHARE_NODE_CONNECTION_H
#define SHARE_NODE_CONNECTION_H

#include "core/loop.h"
#include "net/redis_url.h"
#include "share/share_status.h"

#include <hiredis.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct node_connection;

#define NODE_CONNECTION_COMMANDS_MAX 4096 /* outstanding */

/* Which events the owner hears of. Both may be NULL. */
struct node_connection_events {
    void (*up)(void *ctx); /* it takes commands */
    /* It takes none any more. If the connection was lost, they have been given NULL. */
    void (*down)(void *ctx, const char *fault);
    void *ctx;
};

struct node_connection_options {
    struct loop *loop;    /* borrowed */
    struct redis_url url; /* copied */
    int64_t timeout_ms;   /* a command that is not answered within this counts as a failure */
    uint64_t seed;
    struct share_counts *counts; /* borrowed: connects_*, breaker_opened */
    struct node_connection_events events;
};

/* Connects in a round of the loop. NULL when out of memory. */
struct node_connection *node_connection_new(const struct node_connection_options *options);

/* Closes it, at any time. Commands without a reply get NULL, before this returns. No-op on NULL. */
void node_connection_free(struct node_connection *node);

void node_connection_set_timeout(struct node_connection *node, int64_t timeout_ms);

/* NULL: the connection was lost. The reply is valid during the call. */
typedef void node_reply_fn(void *ctx, const redisReply *reply);

/* Whether it takes commands now: it is up, and not too many are outstanding. */
bool node_connection_ready(const struct node_connection *node);

/* Sends a command at the end of the loop's round, with all others of that round in one write. `asking`: after an
 * ASK redirection. False when it does not take any now: `reply` is not called. */
bool node_connection_send(struct node_connection *node, int argc, const char **argv,
                          const size_t *lengths, bool asking, node_reply_fn *reply, void *ctx)
    __attribute__((warn_unused_result));

/* A command was not answered in time, or the server refused for a reason that is no fault of the command
 * (LOADING, OOM...): the breaker hears of it. And one was answered. */
void node_connection_failed(struct node_connection *node, const char *why);
void node_connection_succeeded(struct node_connection *node);

/* Whether it has a descriptor open. */
bool node_connection_is_open(const struct node_connection *node);

void node_connection_status(const struct node_connection *node, struct share_node_status *status);

#endif
