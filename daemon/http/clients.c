/* SPDX-License-Identifier: MIT */
#include "http/clients.h"

#include <stdlib.h>

#define ROOM_FIRST 64

static _Thread_local LIST_HEAD(, client) clients;
static _Thread_local struct client **by_fd; /* while there are any */
static _Thread_local size_t room;

/* For that many descriptors. False when out of memory. */
static bool make_room(size_t count)
{
    size_t more = room ? room : ROOM_FIRST;

    while (more < count)
        more *= 2;
    if (more == room)
        return true;
    struct client **grown = realloc(by_fd, more * sizeof(struct client *));
    if (!grown)
        return false;
    for (; room < more; room++)
        grown[room] = NULL;
    by_fd = grown;
    return true;
}

void clients_enter(struct client *client)
{
    LIST_INSERT_HEAD(&clients, client, link);
    if (make_room((size_t)client->entry.fd + 1))
        by_fd[client->entry.fd] = client;
}

void clients_leave(struct client *client)
{
    LIST_REMOVE(client, link);
    if ((size_t)client->entry.fd < room)
        by_fd[client->entry.fd] = NULL;
    if (LIST_EMPTY(&clients)) {
        free(by_fd);
        by_fd = NULL;
        room = 0;
    }
}

struct client *clients_find(int fd)
{
    return fd >= 0 && (size_t)fd < room ? by_fd[fd] : NULL;
}

struct client *clients_first(void)
{
    return LIST_FIRST(&clients);
}

const struct sockaddr *client_peer(const struct client *client)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(client->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);

    return info ? info->client_addr : NULL;
}
