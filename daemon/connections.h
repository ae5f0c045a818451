/* The connections of clients: how many there may be, and which of them keep a place for nothing.
 *
 * They are counted here, before libmicrohttpd is given them: its own limit it checks a second time
 * in its thread, and if others have come first, 0.9.75 leaves a lock held there, and that thread
 * stands still for good. */
#ifndef CONNECTIONS_H
#define CONNECTIONS_H

#include "loop.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct connections;

/* One of them, in the memory of whoever serves it. */
struct connection {
    struct connection *older, *newer;
    int fd;
    atomic_bool busy;               /* a request is being read, looked up or answered */
    _Atomic uint32_t reading_since; /* a second of theirs; 0: a request is there */
};

struct connections_options {
    struct loop *loop; /* borrowed until connections_free() */
    uint32_t most;
    int64_t patience_ms; /* with a request that is being sent, or is not */
};

/* NULL with errno when out of memory. */
struct connections *connections_new(const struct connections_options *options);

/* None may have been entered and not have left. */
void connections_free(struct connections *connections);

/* Counts one in that is about to be given to libmicrohttpd. False when there is no room. When there
 * is little, those that have long asked nothing are ended. In the loop's thread. */
bool connections_admit(struct connections *connections) __attribute__((warn_unused_result));

/* One that was admitted begins; `fd` stays open until it leaves. Any thread, as for all below. */
void connections_enter(struct connections *connections, struct connection *connection, int fd);

/* One that was admitted has gone. NULL: without having entered. */
void connections_leave(struct connections *connections, struct connection *connection);

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

#endif
