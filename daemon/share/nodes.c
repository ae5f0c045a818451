/* SPDX-License-Identifier: MIT */
#include "share/nodes.h"

#include "share/slots.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum nodes_kind {
    NODES_UNKNOWN, /* not known yet whether the servers are a cluster */
    NODES_SINGLE,
    NODES_CLUSTER,
};

struct nodes {
    struct nodes_options options;
    unsigned seeds;
    enum nodes_kind kind;
    struct node *list[SHARE_NODES_MAX]; /* with gaps */
    unsigned count;                     /* all entries from here on are NULL */
    uint8_t owner[SLOTS];               /* index in `list`, or SLOT_UNOWNED */

    struct node *asked; /* with CLUSTER SLOTS outstanding; or NULL */
    bool ever_asked;
    struct mono asked_at;
    unsigned turn;             /* of the next node to ask */
    bool redirected;           /* ever: it is a cluster, even if CLUSTER SLOTS fails */
    struct loop_timer refresh; /* armed while a refresh is due */
    struct loop_timer forget;  /* armed while there are discovered nodes */
};

static void refresh_map(struct nodes *nodes);

static struct mono nodes_now(const struct nodes *nodes)
{
    return loop_now(nodes->options.loop);
}

/* ---- The nodes */

/* Whether all nodes that have slots are up. */
static bool is_whole(const struct nodes *nodes)
{
    for (unsigned i = 0; i < nodes->count; i++)
        if (nodes->list[i] && nodes->list[i]->mapped && !nodes->list[i]->up)
            return false;
    return true;
}

static void on_connection_up(void *ctx)
{
    struct node *node = ctx;
    struct nodes *nodes = node->nodes;

    node->up = node->settled = true;
    node->foreign = false; /* it may have been restarted in cluster mode */
    if (node->mapped || nodes->kind != NODES_CLUSTER || !is_whole(nodes))
        refresh_map(nodes);
    nodes->options.up(nodes->options.ctx, node);
}

static void on_connection_down(void *ctx, const char *fault)
{
    struct node *node = ctx;
    struct nodes *nodes = node->nodes;

    (void)fault;
    node->up = false;
    node->settled = true;
    if (nodes->kind == NODES_CLUSTER)
        refresh_map(nodes); /* a replica may have taken over its slots */
    nodes->options.down(nodes->options.ctx, node);
}

static struct node *new_node(struct nodes *nodes, const struct redis_url *url)
{
    unsigned index = 0;

    while (index < SHARE_NODES_MAX && nodes->list[index])
        index++;
    struct node *node = index < SHARE_NODES_MAX ? calloc(1, sizeof *node) : NULL;
    if (!node)
        return NULL;
    node->index = index;
    node->nodes = nodes;
    node->url = *url;
    node->created = node->used = nodes_now(nodes);
    redis_url_server(url, node->server);
    struct node_connection_options options = {
        .loop = nodes->options.loop,
        .url = *url,
        .timeout_ms = nodes->options.timeout_ms,
        .seed = nodes->options.seed + index,
        .counts = nodes->options.counts,
        .events = {.up = on_connection_up, .down = on_connection_down, .ctx = node},
    };
    node->connection = node_connection_new(&options);
    if (!node->connection) {
        free(node);
        return NULL;
    }
    nodes->list[index] = node;
    if (index >= nodes->count)
        nodes->count = index + 1;
    return node;
}

static void drop_node(struct node *node)
{
    struct nodes *nodes = node->nodes;

    node->up = false;
    node->settled = true;
    nodes->options.down(nodes->options.ctx, node);
    node_connection_free(node->connection);
    if (nodes->asked == node)
        nodes->asked = NULL;
    for (unsigned slot = 0; slot < SLOTS; slot++)
        if (nodes->owner[slot] == node->index)
            nodes->owner[slot] = SLOT_UNOWNED;
    explicit_bzero(&node->url, sizeof node->url); /* it holds a password */
    nodes->list[node->index] = NULL;
    while (nodes->count > 0 && !nodes->list[nodes->count - 1])
        nodes->count--;
    free(node);
}

static struct node *find_node(const struct nodes *nodes, const struct redis_url *url)
{
    for (unsigned i = 0; i < nodes->count; i++) {
        struct node *node = nodes->list[i];
        if (node && node->url.is_unix == url->is_unix && node->url.port == url->port &&
            strcasecmp(node->url.host, url->host) == 0)
            return node;
    }
    return NULL;
}

static void on_forget(void *ctx)
{
    struct nodes *nodes = ctx;
    bool more = false;

    for (unsigned i = nodes->count; i-- > 0;) {
        struct node *node = nodes->list[i];
        if (!node || node->seed)
            continue;
        if (!node->mapped && mono_ms_between(node->used, nodes_now(nodes)) >= NODES_FORGET_MS)
            drop_node(node);
        else
            more = true;
    }
    if (more)
        loop_arm(nodes->options.loop, &nodes->forget,
                 mono_add_ms(nodes_now(nodes), NODES_FORGET_MS));
}

struct node *nodes_at(struct node *from, const struct node_address *address)
{
    struct nodes *nodes = from->nodes;
    struct redis_url url = from->url; /* the same user, password and TLS */

    if (nodes->kind == NODES_SINGLE)
        return NULL;
    url.port = address->port;
    url.database = 0; /* a cluster has only this one */
    if (*address->host != '\0')
        memcpy(url.host, address->host, sizeof address->host);
    else if (url.is_unix)
        strcpy(url.host, "127.0.0.1");
    url.is_unix = false;
    struct node *node = find_node(nodes, &url);
    if (!node)
        node = new_node(nodes, &url);
    if (!node) {
        share_log_trouble(nodes->options.log, SHARE_TROUBLE_TOO_MANY, from->server, url.host);
        return NULL;
    }
    node->used = nodes_now(nodes);
    if (!loop_armed(&nodes->forget))
        loop_arm(nodes->options.loop, &nodes->forget,
                 mono_add_ms(nodes_now(nodes), NODES_FORGET_MS));
    return node;
}

/* ---- The map */

static void unmap_all(struct nodes *nodes)
{
    for (unsigned i = 0; i < nodes->count; i++)
        if (nodes->list[i])
            nodes->list[i]->mapped = false;
}

static void use_map(struct nodes *nodes, struct node *from, const struct slot_map *map)
{
    uint8_t index[SLOT_UNOWNED + 1]; /* in `list`, by index in the map */

    memset(index, SLOT_UNOWNED, sizeof index);
    nodes->kind = NODES_CLUSTER;
    unmap_all(nodes);
    for (unsigned i = 0; i < map->count; i++) {
        struct node *node = nodes_at(from, &map->servers[i]);
        if (!node)
            continue;
        index[i] = (uint8_t)node->index;
        node->mapped = true;
    }
    for (unsigned slot = 0; slot < SLOTS; slot++)
        nodes->owner[slot] = index[map->owner[slot]];
    if (!is_whole(nodes))
        refresh_map(nodes);
}

static bool error_says(const redisReply *error, const char *prefix)
{
    return strncmp(error->str, prefix, strlen(prefix)) == 0;
}

static void on_map_error(struct node *node, const redisReply *error)
{
    struct nodes *nodes = node->nodes;

    if (error_says(error, "ERR This instance has cluster support disabled")) {
        if (node->seed && nodes->seeds == 1) {
            nodes->kind = NODES_SINGLE;
            unmap_all(nodes);
            return;
        }
        node->foreign = true;
        share_log_trouble(nodes->options.log, SHARE_TROUBLE_NO_CLUSTER, node->server, "");
        refresh_map(nodes);
    } else if (error_says(error, "NOPERM") || error_says(error, "ERR")) {
        if (nodes->redirected) /* redirections have to suffice */
            share_log_trouble(nodes->options.log, SHARE_TROUBLE_NO_MAP, node->server, error->str);
    } else {
        refresh_map(nodes); /* LOADING, say */
    }
}

static void on_map(void *ctx, const redisReply *reply)
{
    struct node *node = ctx;
    struct nodes *nodes = node->nodes;
    struct slot_map map;

    if (nodes->asked != node)
        return;
    nodes->asked = NULL;
    if (reply && reply->type == REDIS_REPLY_ERROR)
        on_map_error(node, reply);
    else if (reply && slot_map_read(reply, &map) && map.count > 0)
        use_map(nodes, node, &map);
    else /* lost; or the node has left the cluster, or the cluster is not set up yet */
        refresh_map(nodes);
}

/* Round robin, since a node can be out of date. */
static struct node *next_to_ask(struct nodes *nodes)
{
    for (unsigned i = 0; i < nodes->count; i++) {
        struct node *node = nodes->list[nodes->turn++ % nodes->count];
        if (node && !node->foreign && node_connection_ready(node->connection))
            return node;
    }
    return NULL;
}

static void on_refresh(void *ctx)
{
    static const char *argv[] = {"CLUSTER", "SLOTS"};
    static const size_t lengths[] = {7, 5};
    struct nodes *nodes = ctx;
    struct node *node = next_to_ask(nodes);

    if (!node) /* the first node that comes up will be asked */
        return;
    nodes->asked = node;
    nodes->ever_asked = true;
    nodes->asked_at = nodes_now(nodes);
    if (!node_connection_send(node->connection, 2, argv, lengths, false, on_map, node))
        nodes->asked = NULL;
}

/* Asks for the map as soon as NODES_REFRESH_MS allows, and then ignores a reply that is still outstanding. */
static void refresh_map(struct nodes *nodes)
{
    struct mono at = nodes_now(nodes);

    if (nodes->ever_asked && mono_ms_between(nodes->asked_at, at) < NODES_REFRESH_MS)
        at = mono_add_ms(nodes->asked_at, NODES_REFRESH_MS);
    if (!loop_armed(&nodes->refresh))
        loop_arm(nodes->options.loop, &nodes->refresh, at);
}

void nodes_moved(struct nodes *nodes, unsigned slot, const struct node *node)
{
    nodes->redirected = true;
    if (node)
        nodes->owner[slot] = (uint8_t)node->index;
    refresh_map(nodes);
}

/* ---- Which one */

unsigned nodes_slot(const struct nodes *nodes, const char *key, size_t length)
{
    return nodes->kind == NODES_SINGLE ? 0 : slot_of_key(key, length);
}

struct node *nodes_of_slot(struct nodes *nodes, unsigned slot)
{
    struct node *found = NULL;

    if (nodes->kind != NODES_SINGLE && nodes->owner[slot] != SLOT_UNOWNED)
        found = nodes->list[nodes->owner[slot]];
    /* Any node redirects to the right one. */
    for (unsigned i = 0; i < nodes->count && !found; i++)
        if (nodes->list[i] && nodes->list[i]->up && !nodes->list[i]->foreign)
            found = nodes->list[i];
    if (found)
        found->used = nodes_now(nodes);
    return found;
}

bool nodes_is_starting(const struct node *node)
{
    return !node->settled &&
           mono_ms_between(node->created, nodes_now(node->nodes)) < node->nodes->options.timeout_ms;
}

/* ---- The whole */

struct nodes *nodes_new(const struct nodes_options *options)
{
    struct nodes *nodes = calloc(1, sizeof *nodes);

    if (!nodes)
        return NULL;
    nodes->options = *options;
    memset(nodes->owner, SLOT_UNOWNED, sizeof nodes->owner);
    nodes->refresh = (struct loop_timer){.fire = on_refresh, .ctx = nodes};
    nodes->forget = (struct loop_timer){.fire = on_forget, .ctx = nodes};
    for (unsigned i = 0; i < options->count; i++) {
        if (find_node(nodes, &options->urls[i]))
            continue;
        struct node *node = new_node(nodes, &options->urls[i]);
        if (!node) {
            nodes_free(nodes);
            return NULL;
        }
        node->seed = true;
        nodes->seeds++;
    }
    return nodes;
}

void nodes_free(struct nodes *nodes)
{
    if (!nodes)
        return;
    for (unsigned i = nodes->count; i-- > 0;)
        if (nodes->list[i])
            drop_node(nodes->list[i]);
    loop_disarm(nodes->options.loop, &nodes->refresh);
    loop_disarm(nodes->options.loop, &nodes->forget);
    free(nodes);
}

void nodes_set_timeout(struct nodes *nodes, int64_t timeout_ms)
{
    nodes->options.timeout_ms = timeout_ms;
    for (unsigned i = 0; i < nodes->count; i++)
        if (nodes->list[i])
            node_connection_set_timeout(nodes->list[i]->connection, timeout_ms);
}

unsigned nodes_connections(const struct nodes *nodes)
{
    unsigned open = 0;

    for (unsigned i = 0; i < nodes->count; i++)
        open += nodes->list[i] && node_connection_is_open(nodes->list[i]->connection);
    return open;
}

void nodes_status(const struct nodes *nodes, struct share_status *status)
{
    bool any = false;

    for (unsigned i = 0; i < nodes->count; i++) {
        if (!nodes->list[i])
            continue;
        node_connection_status(nodes->list[i]->connection, &status->node[status->nodes++]);
        any = any || (nodes->list[i]->up && !nodes->list[i]->foreign);
    }
    status->cluster = nodes->kind == NODES_CLUSTER || nodes->redirected;
    status->up = any && is_whole(nodes);
}
