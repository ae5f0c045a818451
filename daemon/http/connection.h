/* SPDX-License-Identifier: MIT */
/* One connection, as connections.c and eviction.c know it. Private to the HTTP side. */
#ifndef HTTP_CONNECTION_H
#define HTTP_CONNECTION_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

/* In the memory of whoever serves it. */
struct connection {
    TAILQ_ENTRY(connection) link;
    int fd;
    bool ended;       /* by us; it leaves once libmicrohttpd sees that; under the lock */
    atomic_bool busy; /* a request is being read, looked up or answered */
    _Atomic uint32_t reading_since; /* a second of connections.c; 0: a request is there */
};

/* For how many seconds it has been waiting for a request; 0 when one is there. */
static inline uint32_t connection_awaited_for(const struct connection *connection, uint32_t second)
{
    uint32_t since = atomic_load_explicit(&connection->reading_since, memory_order_relaxed);

    return since ? second - since : 0;
}

#endif
