/* SPDX-License-Identifier: MIT */
/* Logs the state of a server of the shared tier: its fault, or that it answers.
 *
 * Changes are logged at once, but only a few in a row. After that, and while a fault persists, events are
 * counted, and logged with the count at intervals that grow from 10 seconds to an hour. A state that lasts is
 * logged within 10 seconds, so that the last message is true. Belongs to the loop's thread. */
#ifndef SHARE_NODE_LOG_H
#define SHARE_NODE_LOG_H

#include "core/loop.h"
#include "share/share_status.h"

#include <stdbool.h>
#include <stdint.h>

struct node_log {
    struct loop *loop;
    const char *server;
    char fault[SHARE_FAULT_SIZE];  /* current; "": it answers */
    char logged[SHARE_FAULT_SIZE]; /* that of the last message */
    bool logged_any;
    unsigned burst;      /* changes logged at once since it was quiet */
    struct mono at;      /* when the last message was logged */
    struct mono changed; /* when the state changed last */
    int64_t pause_ms;    /* to the next message that is not logged at once */
    uint32_t suppressed; /* events since the last message */
    struct loop_timer timer;
};

/* Borrows loop and server. */
void node_log_start(struct node_log *log, struct loop *loop, const char *server);

/* To be called at each failure, also for the same reason. NULL: it answers. */
void node_log_event(struct node_log *log, const char *fault);

/* Drops what was suppressed. */
void node_log_stop(struct node_log *log);

#endif
