/* SPDX-License-Identifier: MIT */
/* The connections of clients: how many there may be, of one client and of all, and which of them keep
 * a place for nothing. When they run out, room is taken from the client that has most; see
 * client_counts.h for what a client is. Trusted proxies speak for many, and whoever comes over a unix
 * socket has no address: they are not counted as one, and are left alone as long as there is anybody
 * else to take from.
 *
 * They are counted here, and not by libmicrohttpd: where its own limit is reached, 0.9.75 can leave a
 * lock held, and stand still for good. */
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
    int64_t patience_ms;            /* with a request that is being sent, or is not */
    const struct networks *trusted; /* proxies; borrowed likewise */
    struct hash_key key;
};

/* NULL with errno when out of memory. */
struct connections *connections_new(const struct connections_options *options);

/* None may have been entered and not have left. */
void connections_free(struct connections *connections);

/* Counts one in that is about to be given to libmicrohttpd. False when there is no room for it, nor
 * any to be made: when there is little, each that is let in ends one of the client that has most, and
 * one of that client itself is not let in; save by the end of another that has asked nothing for a
 * while. For a moment a quarter more than `most` may be open, as many as were ended among them. One that
 * does not enter must be forgotten. In the loop's thread. */
bool connections_admit(struct connections *connections, int fd, const struct sockaddr *peer)
    __attribute__((warn_unused_result));

/* One that was admitted begins; `fd` stays open until it leaves. Any thread, as for all below. */
void connections_enter(struct connections *connections, struct connection *connection, int fd);

/* One that has entered has gone. */
void connections_leave(struct connections *connections, struct connection *connection);

/* One that was admitted has gone without having entered. */
void connections_forget(struct connections *connections, int fd);

/* The next request is awaited on it from now on. */
void connections_await(const struct connections *connections, struct connection *connection);

/* The request is there as a whole. */
void connections_arrived(struct connection *connection);

/* Done once a second by itself; now and then more often when there is a hurry. Ends those whose
 * client takes longer than there is patience for to send a request, a byte now and then perhaps,
 * which libmicrohttpd would wait for. Wakes it for those whose client has closed: when it reads that
 * in one with the last bytes, it does not see it. In the loop's thread. */
void connections_sweep(struct connections *connections);

uint32_t connections_count(const struct connections *connections);

/* Whether any is busy, or will be as soon as what has come on it is read. */
bool connections_busy(struct connections *connections);

/* Whether there is any with a request that is here as a whole, and is looked up or answered. */
bool connections_answering(struct connections *connections);

#endif
