/* SPDX-License-Identifier: MIT */
/* The connection to one Valkey or Redis server: re-established after a growing, jittered pause when it breaks,
 * and not used while its breaker is open.
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

/* Callbacks, which may be NULL. */
struct node_connection_events {
    void (*up)(void *ctx); /* commands can be sent */
    /* They cannot any more. If the connection was lost, those in flight have got NULL. */
    void (*down)(void *ctx, const char *fault);
    void *ctx;
};

struct node_connection_options {
    struct loop *loop;    /* borrowed */
    struct redis_url url; /* copied */
    int64_t timeout_ms;   /* how long a probe waits for its reply */
    uint64_t seed;
    struct share_counts *counts; /* borrowed: connects_*, breaker_opened */
    struct node_connection_events events;
};

/* Connects in the next round of the loop. NULL when out of memory. */
struct node_connection *node_connection_new(const struct node_connection_options *options);

/* Commands without a reply get NULL before this returns. May be called at any time. No-op on NULL. */
void node_connection_free(struct node_connection *node);

void node_connection_set_timeout(struct node_connection *node, int64_t timeout_ms);

/* NULL: the connection was lost. The reply is valid during the call. */
typedef void node_reply_fn(void *ctx, const redisReply *reply);

/* Whether commands can be sent now: it is up, and not too many are in flight. */
bool node_connection_ready(const struct node_connection *node);

/* Sends a command at the end of the loop's round, with all others of that round in one write. `asking`: after an
 * ASK redirection. False if it cannot be sent now; `reply` is not called then. */
bool node_connection_send(struct node_connection *node, int argc, const char **argv,
                          const size_t *lengths, bool asking, node_reply_fn *reply, void *ctx)
    __attribute__((warn_unused_result));

/* For the breaker: a command had no reply in time, or an error that is not about the command itself (LOADING,
 * OOM...); or it succeeded. */
void node_connection_failed(struct node_connection *node, const char *why);
void node_connection_succeeded(struct node_connection *node);

/* Whether it has an open descriptor. */
bool node_connection_is_open(const struct node_connection *node);

void node_connection_status(const struct node_connection *node, struct share_node_status *status);

#endif
