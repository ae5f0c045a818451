/* SPDX-License-Identifier: MIT */
/* Commands, sent to the node that has their key. Redirections are followed, so callers need not know about the
 * cluster.
 *
 * Reads are sent at once. Only a few writes are in flight to each node, so that a read never waits long behind
 * them; others are queued here, up to a limit. Belongs to the loop's thread. */
#ifndef SHARE_COMMANDS_H
#define SHARE_COMMANDS_H

#include "share/nodes.h"

#include <hiredis.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

#define COMMANDS_REDIRECTIONS_MAX 3  /* of one command */
#define COMMANDS_WRITES_MAX 512      /* HSETs for a node, queued or in flight */
#define COMMANDS_WRITES_SENT_MAX 128 /* ... in flight */
#define COMMANDS_ARGUMENTS_MAX 5

struct commands;

/* Owned by the caller; must live until `reply` is called, exactly once, or the command is withdrawn. */
struct command {
    int argc;
    const char *argv[COMMANDS_ARGUMENTS_MAX]; /* not copied; the second one is the key */
    size_t lengths[COMMANDS_ARGUMENTS_MAX];
    bool is_write;
    struct command *then; /* a write that is sent right after this one, or NULL */
    /* `reply` is NULL if the command was not sent (see `sent`), the connection was lost, or a redirection could
     * not be followed. */
    void (*reply)(void *ctx, const redisReply *reply);
    void *ctx;

    /* Set by commands.c; the caller may read in `reply` which node replied, and whether the command was sent. */
    struct node *node;
    bool sent;

    struct commands *commands;
    unsigned slot, redirections;
    bool queued, asking;
    TAILQ_ENTRY(command) link; /* while it is queued */
};

/* `up`, `down` and `ctx` of the options are not used. NULL when out of memory. */
struct commands *commands_new(const struct nodes_options *options);

/* Commands without a reply get NULL before this returns. No-op on NULL. */
void commands_free(struct commands *commands);

struct nodes *commands_nodes(const struct commands *commands);

/* False if it cannot be sent now; `reply` is not called then. `reply` is never called before this returns. */
bool commands_send(struct commands *commands, struct command *command)
    __attribute__((warn_unused_result));

/* True if the command was not sent yet: it never will be, and `reply` is not called. False: `reply` will be
 * called. */
bool commands_withdraw(struct command *command);

#endif
