/* SPDX-License-Identifier: MIT */
#include "heartbeat.h"

#include "systemd.h"

#include <stddef.h>

#define INTERVAL_MS 10000  /* without a watchdog */
#define BEATS_PER_PERIOD 3 /* of the watchdog: one may come late, or be lost */

static void on_probed(struct readiness_request *request)
{
    struct heartbeat *heartbeat =
        (struct heartbeat *)((char *)request - offsetof(struct heartbeat, probe));

    heartbeat->probing = false;
}

/* A p0f that hangs is noticed by a query that it does not answer, and an idle daemon sends none. What is
 * wrong is told by the pool. */
static void probe_p0f(struct heartbeat *heartbeat)
{
    if (heartbeat->probing)
        return;
    heartbeat->probing = true;
    heartbeat->probe.done = on_probed;
    readiness_ask(heartbeat->readiness, &heartbeat->probe);
}

static void beat(void *ctx)
{
    struct heartbeat *heartbeat = ctx;
    bool alive = http_server_beat(heartbeat->http);

    if (heartbeat->feeds && alive)
        systemd_feed_watchdog();
    probe_p0f(heartbeat);
    loop_arm(heartbeat->loop, &heartbeat->timer,
             mono_add_ms(loop_now(heartbeat->loop), heartbeat->interval_ms));
}

void heartbeat_start(struct heartbeat *heartbeat, struct loop *loop, struct http_server *http,
                     struct readiness *readiness)
{
    int64_t watchdog_ms = systemd_watchdog_ms();

    *heartbeat = (struct heartbeat){.loop = loop, .http = http, .readiness = readiness};
    heartbeat->feeds = watchdog_ms > 0;
    heartbeat->interval_ms = watchdog_ms > 0 ? watchdog_ms / BEATS_PER_PERIOD : INTERVAL_MS;
    heartbeat->timer = (struct loop_timer){.fire = beat, .ctx = heartbeat};
    if (systemd_listens())
        loop_arm(loop, &heartbeat->timer, loop_now(loop));
}

void heartbeat_stop(struct heartbeat *heartbeat)
{
    if (heartbeat->loop)
        loop_disarm(heartbeat->loop, &heartbeat->timer);
}
