/* SPDX-License-Identifier: MIT */
/* The connections of a worker, by descriptor, for when libmicrohttpd does not say which one it means.
 * Private to the HTTP side; each function in the worker's thread, and about its connections only. */
#ifndef HTTP_CLIENTS_H
#define HTTP_CLIENTS_H

#include "http/request.h"

/* A connection begins. Its entry.fd stays the same until it has left. */
void clients_enter(struct client *client);

/* It has ended. */
void clients_leave(struct client *client);

/* NULL for none; perhaps also when memory ran out. */
struct client *clients_find(int fd);

/* The peer, or the client that its PROXY header names (proxy_gate.h). NULL if not known. */
const struct sockaddr *client_peer(const struct client *client);

/* The newest, or NULL. The next is LIST_NEXT(client, link). */
struct client *clients_first(void);

#endif
