/* SPDX-License-Identifier: MIT */
/* A snapshot of the state of the shared tier, which any thread may read. */
#ifndef SHARE_SHARE_STATUS_H
#define SHARE_SHARE_STATUS_H

#include "core/histogram.h"

#include <stdbool.h>
#include <stdint.h>

#define SHARE_NODES_MAX 64    /* servers of a cluster */
#define SHARE_SENSOR_SIZE 128 /* a name, with its NUL */
#define SHARE_SENSORS_COUNTED                                                                      \
    64                        /* whose hits are counted by name; all others are counted together */
#define SHARE_SERVER_SIZE 272 /* "host:port" or "unix:/path", never with a password */
#define SHARE_FAULT_SIZE 512

enum share_node_state {
    SHARE_NODE_DOWN,       /* no connection; retried after a pause */
    SHARE_NODE_CONNECTING, /* resolving, connecting or logging in */
    SHARE_NODE_UP,
    SHARE_NODE_OPEN, /* connected, but not used: the breaker is open */
};

#define SHARE_NODE_STATES (SHARE_NODE_OPEN + 1)

/* "down", "connecting", "up", "open". */
const char *share_node_state_name(enum share_node_state state);

struct share_node_status {
    char server[SHARE_SERVER_SIZE];
    enum share_node_state state;
    char fault[SHARE_FAULT_SIZE]; /* why it is not up; "" if it is */
    uint32_t outstanding;         /* commands in flight */
    uint64_t reconnects;          /* ever */
};

/* Since the start. */
struct share_counts {
    uint64_t reads_found, reads_none;    /* answered */
    uint64_t reads_timeout, reads_error; /* no reply in time; refused by the server, or lost */
    uint64_t reads_skipped; /* not sent: the server was not up, or had too many in flight */
    uint64_t late;          /* replies to reads that had timed out */
    uint64_t writes_ok, writes_error; /* a write is an HSET with its PEXPIRE */
    uint64_t writes_unchanged;        /* not written again within the interval */
    uint64_t writes_dropped;          /* not sent: as of reads_skipped */
    uint64_t fields_invalid;          /* ignored: not what a sensor writes */
    uint64_t fields_expired;          /* ignored: older than the ttl */
    uint64_t fields_cut;              /* hashes with more fields than are read */
    uint64_t moved, ask;              /* redirections that were followed */
    uint64_t breaker_opened;
    uint64_t connects_ok, connects_failed;
};

struct share_status {
    bool up; /* all servers that are needed answer */
    bool cluster;
    uint32_t nodes;
    struct share_node_status node[SHARE_NODES_MAX];
    struct share_counts counts;
    struct histogram round_trip; /* from sending a read to its reply */
    uint32_t sensors;
    struct {
        char name[SHARE_SENSOR_SIZE];
        uint64_t hits; /* hosts found that this sensor saw last */
    } sensor[SHARE_SENSORS_COUNTED];
    uint64_t other_hits;
    uint32_t written; /* hosts whose last write is remembered */
};

#endif
