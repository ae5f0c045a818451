/* SPDX-License-Identifier: MIT */
/* A snapshot of the pool and its connections. It shares only the socket's path with them, so that any
 * thread may read it while the pool exists. */
#ifndef P0F_POOL_STATUS_H
#define P0F_POOL_STATUS_H

#include "p0f/link.h"

#include <stdbool.h>
#include <stdint.h>

#define POOL_MAX 100 /* connections; p0f's -S allows no more */

struct pool_status {
    const char *socket;       /* the pool's own */
    enum p0f_dialect dialect; /* spoken; P0F_DIALECT_AUTO: unknown */
    enum p0f_dialect wanted;  /* of the options */
    bool up;                  /* p0f answers: there is a connection, and it is not overdue */
    int64_t overdue;      /* ms since p0f's last answer on any connection, if one is outstanding */
    bool limit_suspected; /* connected, but never answered: p0f's -S may be reached */
    uint32_t queued;      /* queries not sent yet */
    uint32_t outstanding; /* answers, over all connections */
    uint32_t max_rate;
    uint64_t reconnects; /* ever */
    struct pool_counts counts;
    uint32_t connections;
    struct link_status links[POOL_MAX];        /* `connections` of them */
    char unreachable[SOCKET_FILE_REASON_SIZE]; /* why the last attempt to connect failed */
};

#endif
