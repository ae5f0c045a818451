/* SPDX-License-Identifier: MIT */
/* A session with a Valkey or Redis server: its name is resolved, one of its addresses answers, and it has let us
 * in. Then it takes commands, until it is lost. Whoever opened it opens another one.
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
    /* Called in later rounds of the loop. The session may be closed in each of them. */
    void (*up)(void *ctx);
    void (*delayed)(void *ctx, const char *fault); /* it is not up yet, and goes on trying */
    void (*lost)(void *ctx, const char *fault);    /* the last one: to be closed */
    void *ctx;
};

/* NULL: the connection was lost. The reply is valid during the call. */
typedef void session_reply_fn(void *ctx, const redisReply *reply);

/* NULL with the reason in `fault` when it fails at once. */
struct node_session *node_session_open(const struct node_session_options *options,
                                       char fault[SHARE_FAULT_SIZE]);

/* Commands without a reply get NULL, before this returns, and in a call from there, too. No-op on NULL. */
void node_session_close(struct node_session *session);

/* Sends a command, once it is up, at the end of the loop's round. `reply` is called once; NULL: nobody waits for
 * it. False when too many are outstanding, or out of memory. */
bool node_session_send(struct node_session *session, int argc, const char **argv,
                       const size_t *lengths, session_reply_fn *reply, void *ctx)
    __attribute__((warn_unused_result));

#define NODE_SESSION_COMMANDS_MAX 4104 /* outstanding; a few more than the owner's, for probes */

unsigned node_session_outstanding(const struct node_session *session);

#endif
