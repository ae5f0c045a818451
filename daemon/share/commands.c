/* SPDX-License-Identifier: MIT */
#include "share/commands.h"

#include "share/redirect.h"

#include <stdlib.h>

TAILQ_HEAD(command_queue, command);

/* What waits for a node or is on its way. */
struct lane {
    struct command_queue reads; /* while the node is starting */
    struct command_queue writes;
    unsigned writes_waiting, writes_sent;
};

struct commands {
    struct nodes *nodes;
    struct share_counts *counts;
    struct lane lanes[SHARE_NODES_MAX];
};

static struct lane *lane_of(const struct command *command)
{
    return &command->commands->lanes[command->node->index];
}

/* ---- Waiting */

static void wait_in_lane(struct command *command)
{
    struct lane *lane = lane_of(command);

    command->waiting = true;
    TAILQ_INSERT_TAIL(command->is_write ? &lane->writes : &lane->reads, command, link);
    lane->writes_waiting += command->is_write;
}

static void leave_lane(struct command *command)
{
    struct lane *lane = lane_of(command);

    command->waiting = false;
    TAILQ_REMOVE(command->is_write ? &lane->writes : &lane->reads, command, link);
    lane->writes_waiting -= command->is_write;
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
        leave_lane(command);
        fail_command(command);
    }
}

/* ---- Sending */

static void on_command_reply(void *ctx, const redisReply *reply);

static bool may_send_to(const struct command *command)
{
    return command->node->up &&
           (!command->is_write || lane_of(command)->writes_sent < 2 * COMMANDS_WRITES_SENT_MAX);
}

static bool send_command(struct command *command)
{
    struct command *then = command->then;

    if (!node_connection_send(command->node->connection, command->argc, command->argv,
                              command->lengths, command->asking, on_command_reply, command))
        return false;
    command->sent = true;
    lane_of(command)->writes_sent += command->is_write;
    if (!then)
        return true;
    command->then = NULL; /* from here on, it is a command of its own */
    then->commands = command->commands;
    then->node = command->node;
    then->slot = command->slot;
    then->asking = false;
    if (!send_command(then))
        wait_in_lane(then);
    return true;
}

/* Sends what waits, as far as that is possible now. */
static void move_lane(struct lane *lane)
{
    struct command *command;

    while ((command = TAILQ_FIRST(&lane->reads)) || (command = TAILQ_FIRST(&lane->writes))) {
        if (!may_send_to(command) || !send_command(command))
            return;
        leave_lane(command);
    }
}

static bool place_command(struct command *command)
{
    if (may_send_to(command) && send_command(command))
        return true;
    if (!nodes_is_starting(command->node) && !(command->is_write && command->node->up))
        return false;
    wait_in_lane(command);
    return true;
}

bool commands_send(struct commands *commands, struct command *command)
{
    command->commands = commands;
    command->slot = nodes_slot(commands->nodes, command->argv[1], command->lengths[1]);
    command->node = nodes_of_slot(commands->nodes, command->slot);
    command->redirections = 0;
    command->sent = command->waiting = command->asking = false;
    if (!command->node)
        return false;
    const struct lane *lane = lane_of(command);
    if (command->is_write && lane->writes_waiting + lane->writes_sent / 2 >= COMMANDS_WRITES_MAX)
        return false;
    return place_command(command);
}

bool commands_withdraw(struct command *command)
{
    if (!command->waiting)
        return false;
    leave_lane(command);
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
    struct lane *lane = lane_of(command);

    lane->writes_sent -= command->is_write;
    if (!reply || reply->type != REDIS_REPLY_ERROR || !follow(command, reply))
        command->reply(command->ctx, reply);
    move_lane(lane);
}

/* ---- The whole */

static void on_lane_open(void *ctx, struct node *node)
{
    struct commands *commands = ctx;

    move_lane(&commands->lanes[node->index]);
}

static void on_lane_closed(void *ctx, struct node *node)
{
    struct commands *commands = ctx;

    fail_all(&commands->lanes[node->index].reads);
    fail_all(&commands->lanes[node->index].writes);
}

struct commands *commands_new(const struct nodes_options *options)
{
    struct commands *commands = calloc(1, sizeof *commands);
    struct nodes_options own = *options;

    if (!commands)
        return NULL;
    commands->counts = options->counts;
    for (unsigned i = 0; i < SHARE_NODES_MAX; i++) {
        TAILQ_INIT(&commands->lanes[i].reads);
        TAILQ_INIT(&commands->lanes[i].writes);
    }
    own.up = on_lane_open;
    own.down = on_lane_closed;
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
