/* SPDX-License-Identifier: MIT */
/* Tells systemd that all threads that do the work are alive, and asks p0f now and then for the sake of
 * STATUS=.
 *
 * The watchdog is fed by the loop's thread, and only if every HTTP worker has handled the last beat: one
 * that is stuck stops the feeding, as a stuck loop does. The thread that writes the log does not count:
 * it may wait for a journal that is not read, which holds nobody up. */
#ifndef HEARTBEAT_H
#define HEARTBEAT_H

#include "core/loop.h"
#include "http/server.h"
#include "ops/readiness.h"

#include <stdbool.h>
#include <stdint.h>

/* The members are its own. */
struct heartbeat {
    struct loop *loop;
    struct http_server *http;
    struct readiness *readiness;
    int64_t interval_ms;
    struct loop_timer timer;
    bool feeds;
    bool probing; /* `probe` is on its way */
    struct readiness_request probe;
};

/* Begins, if systemd wants to be notified. Borrows all three, and *heartbeat must not move, until
 * heartbeat_stop(). In the loop's thread, or before that runs. */
void heartbeat_start(struct heartbeat *heartbeat, struct loop *loop, struct http_server *http,
                     struct readiness *readiness);

/* After the loop has ended. No-op on a zeroed struct. */
void heartbeat_stop(struct heartbeat *heartbeat);

#endif
