/* SPDX-License-Identifier: MIT */
/* Log messages about a server of the shared tier: what is wrong with it, and that it answers.
 *
 * A change is logged at once, but not more than a few in a row. A fault that stays, and a server that comes and
 * goes, are then only counted, and logged with the count at intervals that grow from 10 seconds to an hour. A state that
 * lasts is told within 10 seconds: so the last message is true. Belongs to the loop's thread. */
#ifndef SHARE_NODE_LOG_H
#define SHARE_NODE_LOG_H

#include "core/loop.h"
#include "share/share_status.h"

#include <stdbool.h>
#include <stdint.h>

struct node_log {
    struct loop *loop;
    const char *server;
    char fault[SHARE_FAULT_SIZE]; /* now; "": it answers */
    char told[SHARE_FAULT_SIZE];  /* the last message */
    bool told_any;
    unsigned burst;      /* messages at once, since it was quiet */
    struct mono at;      /* the last message */
    struct mono changed; /* since when it is as it is now */
    int64_t pause_ms;    /* from then to the next that is not at once */
    uint32_t suppressed; /* events since then */
    struct loop_timer timer;
};

/* Borrows loop and server. */
void node_log_start(struct node_log *log, struct loop *loop, const char *server);

/* Each time that it fails, be it again for the same reason. NULL: it answers. */
void node_log_event(struct node_log *log, const char *fault);

/* Drops what was suppressed. */
void node_log_stop(struct node_log *log);

#endif
