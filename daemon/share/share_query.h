/* SPDX-License-Identifier: MIT */
/* What is asked of the shared tier, and answered. See share.h. */
#ifndef SHARE_SHARE_QUERY_H
#define SHARE_SHARE_QUERY_H

#include "p0fclient.h"
#include "share/share_status.h"

#include <stdint.h>

#define SHARE_PREFIX_MAX 128 /* bytes, of all keys' */

/* What a reload may change. Milliseconds. */
struct share_times {
    int64_t ttl;            /* of a hash, from the last write */
    int64_t timeout;        /* how long a reader waits */
    int64_t write_interval; /* an unchanged host is not written more often */
};

enum share_result {
    SHARE_FOUND,
    SHARE_NONE,   /* no sensor has it */
    SHARE_FAILED, /* not answered in time, or not at all */
};

struct share_found {
    struct p0f_host host;           /* that of the newest field */
    char sensor[SHARE_SENSOR_SIZE]; /* who saw it */
    uint32_t
        seen; /* its last_seen by this machine's clock, never later than now: to compare with others */
};

/* In the caller's memory from share_ask() until `answer` is called, once, or it is cancelled. */
struct share_query {
    struct p0f_addr addr;
    /* `found` is valid during the call; NULL unless SHARE_FOUND. Not called before share_ask() returns. */
    void (*answer)(void *ctx, enum share_result result, const struct share_found *found);
    void *ctx;

    struct share_read *read; /* the share's own; NULL unless the query is asked */
};

#endif
