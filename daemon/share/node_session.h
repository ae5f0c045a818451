/* SPDX-License-Identifier: MIT */
/* A session with a Valkey or Redis server: resolves its name, connects to one of its addresses, logs in, and
 * then takes commands until the connection is lost. The owner then opens a new session.
 *
 * Belongs to the loop's thread. */
#ifndef SHARE_NODE_SESSION_H
#define SHARE_NODE_SESSION_H

#include "core/loop.h"
#include "net/redis_url.h"
#include "share/share_status.h"

#include <hiredis.h>
#include <stdbool.h>
#include <stddef.h>

struct node_session;

struct node_session_options {
    struct loop *loop;           /* borrowed */
    const struct redis_url *url; /* borrowed */
    /* Called in later rounds of the loop. Each may close the session. */
    void (*up)(void *ctx);
    void (*delayed)(void *ctx, const char *fault); /* not up yet; it keeps trying */
    void (*lost)(void *ctx, const char *fault);    /* the last call: close the session */
    void *ctx;
};

/* NULL: the connection was lost. The reply is valid during the call. */
typedef void session_reply_fn(void *ctx, const redisReply *reply);

/* NULL with the reason in `fault` if it fails at once. */
struct node_session *node_session_open(const struct node_session_options *options,
                                       char fault[SHARE_FAULT_SIZE]);

/* Commands without a reply get NULL before this returns. May be called from a callback. No-op on NULL. */
void node_session_close(struct node_session *session);

/* Sends a command at the end of the loop's round. Only after up(). `reply` is called once, and may be NULL. False
 * if too many are in flight, or out of memory. */
bool node_session_send(struct node_session *session, int argc, const char **argv,
                       const size_t *lengths, session_reply_fn *reply, void *ctx)
    __attribute__((warn_unused_result));

#define NODE_SESSION_COMMANDS_MAX 4104 /* in flight: NODE_CONNECTION_COMMANDS_MAX and some probes */

unsigned node_session_outstanding(const struct node_session *session);

#endif
