/* SPDX-License-Identifier: MIT */
#include "share/commands.h"

#include "share/redirect.h"

#include <stdlib.h>

TAILQ_HEAD(command_queue, command);

/* Commands for one node. */
struct node_queue {
    struct command_queue reads;  /* queued while the node is starting */
    struct command_queue writes; /* queued */
    unsigned writes_queued, writes_sent;
};

struct commands {
    struct nodes *nodes;
    struct share_counts *counts;
    struct node_queue queues[SHARE_NODES_MAX];
};

static struct node_queue *queue_of(const struct command *command)
{
    return &command->commands->queues[command->node->index];
}

/* ---- Queueing */

static void enqueue_command(struct command *command)
{
    struct node_queue *queue = queue_of(command);

    command->queued = true;
    TAILQ_INSERT_TAIL(command->is_write ? &queue->writes : &queue->reads, command, link);
    queue->writes_queued += command->is_write;
}

static void dequeue_command(struct command *command)
{
    struct node_queue *queue = queue_of(command);

    command->queued = false;
    TAILQ_REMOVE(command->is_write ? &queue->writes : &queue->reads, command, link);
    queue->writes_queued -= command->is_write;
}

static void fail_command(struct command *command)
{
    struct command *then = command->then;

    command->reply(command->ctx, NULL);
    if (then)
        then->reply(then->ctx, NULL);
}

static void fail_all(struct command_queue *queue)
{
    struct command *command;

    while ((command = TAILQ_FIRST(queue))) {
        dequeue_command(command);
        fail_command(command);
    }
}

/* ---- Sending */

static void on_command_reply(void *ctx, const redisReply *reply);

static bool may_send_to(const struct command *command)
{
    return command->node->up &&
           (!command->is_write || queue_of(command)->writes_sent < 2 * COMMANDS_WRITES_SENT_MAX);
}

static bool send_command(struct command *command)
{
    struct command *then = command->then;

    if (!node_connection_send(command->node->connection, command->argc, command->argv,
                              command->lengths, command->asking, on_command_reply, command))
        return false;
    command->sent = true;
    queue_of(command)->writes_sent += command->is_write;
    if (!then)
        return true;
    command->then = NULL; /* from here on, it is a command of its own */
    then->commands = command->commands;
    then->node = command->node;
    then->slot = command->slot;
    then->asking = false;
    if (!send_command(then))
        enqueue_command(then);
    return true;
}

/* Sends queued commands, as far as that is possible now. */
static void flush_node_queue(struct node_queue *queue)
{
    struct command *command;

    while ((command = TAILQ_FIRST(&queue->reads)) || (command = TAILQ_FIRST(&queue->writes))) {
        if (!may_send_to(command) || !send_command(command))
            return;
        dequeue_command(command);
    }
}

static bool place_command(struct command *command)
{
    if (may_send_to(command) && send_command(command))
        return true;
    if (!nodes_is_starting(command->node) && !(command->is_write && command->node->up))
        return false;
    enqueue_command(command);
    return true;
}

bool commands_send(struct commands *commands, struct command *command)
{
    command->commands = commands;
    command->slot = nodes_slot(commands->nodes, command->argv[1], command->lengths[1]);
    command->node = nodes_of_slot(commands->nodes, command->slot);
    command->redirections = 0;
    command->sent = command->queued = command->asking = false;
    if (!command->node)
        return false;
    const struct node_queue *queue = queue_of(command);
    if (command->is_write && queue->writes_queued + queue->writes_sent / 2 >= COMMANDS_WRITES_MAX)
        return false;
    return place_command(command);
}

bool commands_withdraw(struct command *command)
{
    if (!command->queued)
        return false;
    dequeue_command(command);
    return true;
}

/* ---- Replies */

/* False if the reply is no redirection, or one too many: it is passed to the caller. */
static bool follow(struct command *command, const redisReply *reply)
{
    struct commands *commands = command->commands;
    struct redirect redirect;

    if (!redirect_parse((struct span){reply->str, reply->len}, &redirect))
        return false;
    struct node *node = nodes_at(command->node, &redirect.address);
    if (!redirect.asking)
        nodes_moved(commands->nodes, command->slot, node);
    if (!node || command->redirections == COMMANDS_REDIRECTIONS_MAX)
        return false;
    command->redirections++;
    command->node = node;
    command->asking = redirect.asking;
    if (!place_command(command)) {
        fail_command(command);
        return true;
    }
    if (redirect.asking)
        commands->counts->ask++;
    else
        commands->counts->moved++;
    return true;
}

static void on_command_reply(void *ctx, const redisReply *reply)
{
    struct command *command = ctx;
    struct node_queue *queue = queue_of(command);

    queue->writes_sent -= command->is_write;
    if (!reply || reply->type != REDIS_REPLY_ERROR || !follow(command, reply))
        command->reply(command->ctx, reply);
    flush_node_queue(queue);
}

/* ---- The whole */

static void on_queue_ready(void *ctx, struct node *node)
{
    struct commands *commands = ctx;

    flush_node_queue(&commands->queues[node->index]);
}

static void on_queue_failed(void *ctx, struct node *node)
{
    struct commands *commands = ctx;

    fail_all(&commands->queues[node->index].reads);
    fail_all(&commands->queues[node->index].writes);
}

struct commands *commands_new(const struct nodes_options *options)
{
    struct commands *commands = calloc(1, sizeof *commands);
    struct nodes_options own = *options;

    if (!commands)
        return NULL;
    commands->counts = options->counts;
    for (unsigned i = 0; i < SHARE_NODES_MAX; i++) {
        TAILQ_INIT(&commands->queues[i].reads);
        TAILQ_INIT(&commands->queues[i].writes);
    }
    own.up = on_queue_ready;
    own.down = on_queue_failed;
    own.ctx = commands;
    commands->nodes = nodes_new(&own);
    if (!commands->nodes) {
        free(commands);
        return NULL;
    }
    return commands;
}

void commands_free(struct commands *commands)
{
    if (!commands)
        return;
    nodes_free(commands->nodes);
    free(commands);
}

struct nodes *commands_nodes(const struct commands *commands)
{
    return commands->nodes;
}
