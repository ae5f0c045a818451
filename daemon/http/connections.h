/* SPDX-License-Identifier: MIT */
/* The registry of open connections: it limits how many there are, in all and for each client, and closes
 * those that are of no use. When the limit is reached, a connection of the client that has most makes
 * room; client_counts.h says what a client is. Trusted proxies act for many clients, and peers on unix
 * sockets have no address: neither is counted as one client, and their connections are closed last.
 *
 * libmicrohttpd does not count them: at its own limit, 0.9.75 can leave a lock held and hang
 * (workarounds.h). */
#ifndef HTTP_CONNECTIONS_H
#define HTTP_CONNECTIONS_H

#include "core/hash.h"
#include "core/loop.h"
#include "http/connection.h"
#include "net/networks.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct connections;

struct connections_options {
    struct loop *loop; /* borrowed until connections_free() */
    uint32_t max;
    uint32_t others;                /* sockets that are open beside these */
    const struct networks *trusted; /* proxies; borrowed likewise */
    struct hash_key key;
};

/* NULL with errno when out of memory. */
struct connections *connections_new(const struct connections_options *options);

/* Every connection must have left. No-op on NULL. */
void connections_free(struct connections *connections);

/* Admits a connection that is about to be handed to libmicrohttpd, and counts it. Near the limit, each
 * admission closes a connection of the client that has most; a connection of that client itself is
 * refused, unless another one of its own has been idle for a while and can be closed. False when it is
 * refused. For a moment up to a quarter more than `max` may be open, among them as many as are being
 * closed. A connection that is admitted must enter or be forgotten. In the loop's thread. */
bool connections_admit(struct connections *connections, int fd, const struct sockaddr *peer)
    __attribute__((warn_unused_result));

/* An admitted connection begins; `fd` stays open until it leaves. Any thread, as for all below. */
void connections_enter(struct connections *connections, struct connection *connection, int fd);

/* A connection that has entered is closed. */
void connections_leave(struct connections *connections, struct connection *connection);

/* An admitted connection was closed before it entered. */
void connections_forget(struct connections *connections, int fd);

/* From now on it waits for the next request. */
void connections_await(const struct connections *connections, struct connection *connection);

/* The request has been received completely. */
void connections_arrived(struct connection *connection);

/* Ends a connection: it leaves when libmicrohttpd sees that. */
void connections_end(struct connections *connections, struct connection *connection);

/* Runs once a second by itself while there are connections, and may be called more often. Wakes
 * libmicrohttpd for clients that have closed their side, which it misses when it reads that together
 * with the last bytes. In the loop's thread. */
void connections_sweep(struct connections *connections);

/* From now on, has `swept` called once a second, too, in the loop's thread. NULL: no more. While the loop is
 * not running. */
void connections_on_sweep(struct connections *connections, void (*swept)(void *ctx), void *ctx);

/* What connection_awaited_for() counts in. */
uint32_t connections_second(const struct connections *connections);

/* Connections admitted that have not left. */
uint32_t connections_count(const struct connections *connections);

/* How many of them have received a request completely, and are looking it up or answering it. */
uint32_t connections_answering(struct connections *connections);

#endif
