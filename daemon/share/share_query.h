/* SPDX-License-Identifier: MIT */
/* A read from the shared tier, and its result. See share.h. */
#ifndef SHARE_SHARE_QUERY_H
#define SHARE_SHARE_QUERY_H

#include "p0fclient.h"
#include "share/share_status.h"

#include <stdint.h>

#define SHARE_PREFIX_MAX 128 /* bytes of the prefix of all keys */

/* Can be changed by a reload. Milliseconds. */
struct share_times {
    int64_t ttl;            /* of a hash, from the last write */
    int64_t timeout;        /* how long a read waits */
    int64_t write_interval; /* an unchanged host is not written more often */
};

enum share_result {
    SHARE_FOUND,
    SHARE_NONE,   /* no sensor has it */
    SHARE_FAILED, /* timed out, refused by the server, or lost with the connection */
};

struct share_found {
    struct p0f_host host;           /* from the newest field */
    char sensor[SHARE_SENSOR_SIZE]; /* that saw it */
    uint32_t seen; /* last_seen, never in the future; 0 if it cannot be compared: see newest.h */
};

/* Owned by the caller; must live from share_ask() until `answer` is called, once, or the query is cancelled. */
struct share_query {
    struct p0f_addr addr;
    /* `found` is valid during the call; NULL unless SHARE_FOUND. Not called before share_ask() returns. */
    void (*answer)(void *ctx, enum share_result result, const struct share_found *found);
    void *ctx;

    struct share_read *read; /* the share's own; NULL unless outstanding */
};

#endif
