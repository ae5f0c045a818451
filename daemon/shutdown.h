/* SPDX-License-Identifier: MIT */
/* Shutting down: no new connections; then no new lookups; then no answers outstanding from p0f. If p0f hangs,
 * a child is left that receives them, since it can crash if it is disconnected before. */
#ifndef SHUTDOWN_H
#define SHUTDOWN_H

#include "core/loop.h"
#include "modules.h"
#include "server_listeners.h"

#include <stdbool.h>
#include <stdint.h>

struct shutdown {
    /* Set by the caller; borrowed. */
    struct loop *loop;
    struct modules *modules;
    struct server_listeners *listeners;

    /* The shutdown's own. */
    bool begun;
    struct loop_timer check;  /* armed until all requests are finished */
    struct loop_timer status; /* armed while shutting down */
    struct mono deadline;     /* for clients, not for p0f */
    struct mono log_at;
    int64_t log_ms; /* from the beginning to log_at */
    struct mono grace_until;
    struct mono repeat_from;    /* when a second signal counts */
    struct loop_timer patience; /* armed until it gives up */
    bool gave_up;
    unsigned answers;                                /* that it has given up waiting for */
    unsigned left;                                   /* connections on which they are outstanding */
    struct p0f_conn *conns[SENSORS_CONNECTIONS_MAX]; /* `left` of them */
};

/* Lets no client start to connect, lets the requests under way finish, waits for p0f's outstanding answers,
 * and then stops the loop. Logs, and tells systemd, what it waits for, and gives up waiting after 20 seconds,
 * or when it is called again, though not within a second. `signal_name` is what asked for it. In the loop's
 * thread. */
void shutdown_begin(struct shutdown *shutdown, const char *signal_name);

/* Once all else is freed: leaves a child that receives the outstanding answers, if there are any, and logs
 * that. Without a child, waits for them itself. The process must then end. */
void shutdown_leave(struct shutdown *shutdown);

#endif
