/* SPDX-License-Identifier: MIT */
/* Commands about keys, sent to the node that has the key. Redirections are followed, so that whoever sends a
 * command need not know of the cluster.
 *
 * Reads are sent at once. Of writes only so many are on their way to a node, so that a read never waits long
 * behind them; others wait here, up to a bound. Belongs to the loop's thread. */
#ifndef SHARE_COMMANDS_H
#define SHARE_COMMANDS_H

#include "share/nodes.h"

#include <hiredis.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

#define COMMANDS_REDIRECTIONS_MAX 3  /* of one command */
#define COMMANDS_WRITES_MAX 512      /* HSETs for a node, sent or waiting */
#define COMMANDS_WRITES_SENT_MAX 128 /* ... sent and not answered */
#define COMMANDS_ARGUMENTS_MAX 5

struct commands;

/* In the caller's memory until `reply` is called, exactly once, or it is withdrawn. */
struct command {
    int argc;
    const char *argv[COMMANDS_ARGUMENTS_MAX]; /* not copied; the second one is the key */
    size_t lengths[COMMANDS_ARGUMENTS_MAX];
    bool is_write;
    struct command *then; /* NULL; or sent right behind it, a write, too */
    /* NULL: it was not sent (see `sent`), or the connection was lost, or a redirection could not be followed. */
    void (*reply)(void *ctx, const redisReply *reply);
    void *ctx;

    /* Of commands.c, and to be read by the caller when it is answered: the node that did, and whether it was sent. */
    struct node *node;
    bool sent;

    struct commands *commands;
    unsigned slot, redirections;
    bool waiting, asking;
    TAILQ_ENTRY(command) link; /* while it waits */
};

/* The options' up, down and ctx are this module's. NULL when out of memory. */
struct commands *commands_new(const struct nodes_options *options);

/* Commands that are not answered get NULL before this returns. No-op on NULL. */
void commands_free(struct commands *commands);

struct nodes *commands_nodes(const struct commands *commands);

/* False when it cannot be sent now: `reply` is not called. It is never called before this returns. */
bool commands_send(struct commands *commands, struct command *command)
    __attribute__((warn_unused_result));

/* True if the command has not been sent yet, and now never will be: `reply` is not called. */
bool commands_withdraw(struct command *command);

#endif
