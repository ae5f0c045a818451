/* SPDX-License-Identifier: MIT */
#include "relay/relay.h"

#include "core/metrics.h"
#include "relay/relay_client.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

struct relay {
    struct relay_client_options clients;
    struct relay_turns turns;
    uint32_t max_connections;
    uint32_t count;
    LIST_HEAD(, relay_client_entry) entries;
};

static void on_relay_client_left(void *ctx, struct relay_client_entry *entry)
{
    struct relay *relay = ctx;

    LIST_REMOVE(entry, link);
    relay->count--;
}

struct relay *relay_new(const struct relay_options *options)
{
    struct relay *relay = calloc(1, sizeof *relay);

    if (!relay)
        return NULL;
    relay->clients.crowd = loop_crowd_new(options->loop);
    if (!relay->clients.crowd ||
        !relay_turns_open(&relay->turns, options->loop, options->max_lookups)) {
        int problem = errno;
        loop_crowd_free(relay->clients.crowd);
        free(relay);
        errno = problem;
        return NULL;
    }
    relay->clients.loop = options->loop;
    relay->clients.lookup = options->lookup;
    relay->clients.turns = &relay->turns;
    relay->clients.left = on_relay_client_left;
    relay->clients.ctx = relay;
    relay->max_connections = options->max_connections;
    LIST_INIT(&relay->entries);
    return relay;
}

/* A client may close, and leave the list, meanwhile. */
static void each_client(struct relay *relay, void (*act)(struct relay_client *client))
{
    struct relay_client_entry *entry, *next;

    for (entry = LIST_FIRST(&relay->entries); entry; entry = next) {
        next = LIST_NEXT(entry, link);
        act(entry->client);
    }
}

void relay_free(struct relay *relay)
{
    if (!relay)
        return;
    each_client(relay, relay_client_close);
    relay_turns_close(&relay->turns);
    loop_crowd_free(relay->clients.crowd);
    free(relay);
}

void relay_set_max_lookups(struct relay *relay, uint32_t max_lookups)
{
    relay_turns_set_max(&relay->turns, max_lookups);
}

bool relay_take(struct relay *relay, int fd)
{
    struct relay_client_entry *entry = NULL;

    if (relay->count < relay->max_connections) {
        entry = relay_client_new(&relay->clients, fd);
    } else {
        close(fd);
        errno = EAGAIN;
    }
    if (!entry) {
        int problem = errno;
        metrics_count(METRIC_RELAY_REFUSED);
        errno = problem;
        return false;
    }
    LIST_INSERT_HEAD(&relay->entries, entry, link);
    relay->count++;
    metrics_count(METRIC_RELAY_ACCEPTED);
    return true;
}

void relay_shut_down(struct relay *relay)
{
    each_client(relay, relay_client_shut_down);
}

struct relay_counts relay_counts(const struct relay *relay)
{
    return (struct relay_counts){.connections = relay->count,
                                 .max_connections = relay->max_connections,
                                 .lookups = relay->turns.taken,
                                 .max_lookups = relay->turns.max};
}
