/* SPDX-License-Identifier: MIT */
/* Shutting down: no new connections; then no new lookups; then no answers outstanding from p0f. */
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
};

/* Stops accepting, lets the requests under way finish, waits for p0f's outstanding answers, and then stops
 * the loop. Logs, and tells systemd, what it waits for; if it has begun before, that is all. `signal_name`
 * is what asked for it. In the loop's thread. */
void shutdown_begin(struct shutdown *shutdown, const char *signal_name);

#endif
