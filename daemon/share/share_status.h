/* SPDX-License-Identifier: MIT */
/* A snapshot of the shared tier. It shares nothing with it: any thread may read it. */
#ifndef SHARE_SHARE_STATUS_H
#define SHARE_SHARE_STATUS_H

#include "core/histogram.h"

#include <stdbool.h>
#include <stdint.h>

#define SHARE_NODES_MAX 64       /* servers of a cluster */
#define SHARE_SENSOR_SIZE 128    /* a name, with its NUL */
#define SHARE_SENSORS_COUNTED 64 /* of which hits are counted by name; all others together */
#define SHARE_SERVER_SIZE 272    /* "host:port" or "unix:/path", never with a password */
#define SHARE_FAULT_SIZE 512

enum share_node_state {
    SHARE_NODE_DOWN,       /* no connection; the timer says when to try again */
    SHARE_NODE_CONNECTING, /* looked up, connected or logged in, and not answered yet */
    SHARE_NODE_UP,
    SHARE_NODE_OPEN, /* connected, but left out: the breaker is open */
};

#define SHARE_NODE_STATES (SHARE_NODE_OPEN + 1)

/* "down", "connecting", "up", "open". */
const char *share_node_state_name(enum share_node_state state);

struct share_node_status {
    char server[SHARE_SERVER_SIZE];
    enum share_node_state state;
    char fault[SHARE_FAULT_SIZE]; /* why it is not up; "" if it is */
    uint32_t outstanding;         /* commands sent and not answered */
    uint64_t reconnects;          /* ever */
};

/* Ever. */
struct share_counts {
    uint64_t reads_found, reads_none;    /* answered */
    uint64_t reads_timeout, reads_error; /* not answered in time; refused by the server, or lost */
    uint64_t reads_skipped; /* not asked: the breaker was open, or too many were outstanding */
    uint64_t late;          /* answers to reads that had timed out */
    uint64_t writes_ok, writes_error; /* a write is a HSET with its PEXPIRE */
    uint64_t writes_unchanged;        /* not needed */
    uint64_t writes_dropped;          /* the breaker was open, or too many were outstanding */
    uint64_t fields_invalid;          /* ignored: not what a sensor writes */
    uint64_t fields_expired;          /* ignored: older than the ttl */
    uint64_t fields_cut;              /* hashes with more fields than are read */
    uint64_t moved, ask;              /* redirections of a cluster that were followed */
    uint64_t breaker_opened;
    uint64_t connects_ok, connects_failed;
};

struct share_status {
    bool up; /* every server that is needed answers */
    bool cluster;
    uint32_t nodes;
    struct share_node_status node[SHARE_NODES_MAX];
    struct share_counts counts;
    struct histogram round_trip; /* from sending a read to its answer */
    uint32_t sensors;
    struct {
        char name[SHARE_SENSOR_SIZE];
        uint64_t hits; /* answers that were this sensor's */
    } sensor[SHARE_SENSORS_COUNTED];
    uint64_t other_hits;
    uint32_t written; /* hosts of which it is remembered when they were written */
};

#endif
