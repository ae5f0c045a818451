/* SPDX-License-Identifier: MIT */
#include "share/node_log.h"

#include "core/log.h"

#include <stdio.h>
#include <string.h>

#define PAUSE_FIRST_MS 10000
#define PAUSE_MAX_MS 3600000
#define BURST_MAX 4
#define MORE_SIZE 64

static bool is_quiet(const struct node_log *log)
{
    return !log->logged_any || mono_ms_between(log->at, loop_now(log->loop)) >= 2 * log->pause_ms;
}

static void log_node_state(struct node_log *log)
{
    int64_t seconds = mono_ms_between(log->at, loop_now(log->loop)) / 1000;
    char more[MORE_SIZE] = "";

    if (log->suppressed > 0)
        snprintf(more, sizeof more, " (%s%u more time%s in %lld s)", log->fault[0] ? "" : "failed ",
                 log->suppressed, log->suppressed == 1 ? "" : "s", (long long)seconds);
    if (log->fault[0])
        log_warnx("shared tier: %s: %s%s", log->server, log->fault, more);
    else
        log_info("shared tier: %s answers%s", log->server, more);
    strcpy(log->logged, log->fault);
    log->logged_any = true;
    log->at = loop_now(log->loop);
    log->suppressed = 0;
}

static bool is_unlogged(const struct node_log *log)
{
    return !log->logged_any || strcmp(log->logged, log->fault) != 0;
}

/* A new state that lasts does not wait for the whole of a grown pause. */
static void arm_log_timer(struct node_log *log)
{
    struct mono due = mono_add_ms(log->at, log->pause_ms);

    if (is_unlogged(log))
        due = mono_earlier(due, mono_add_ms(log->changed, PAUSE_FIRST_MS));
    loop_arm(log->loop, &log->timer, due);
}

static void on_log_timer(void *ctx)
{
    struct node_log *log = ctx;

    log_node_state(log);
    log->pause_ms = 2 * log->pause_ms < PAUSE_MAX_MS ? 2 * log->pause_ms : PAUSE_MAX_MS;
}

void node_log_event(struct node_log *log, const char *fault)
{
    const char *text = fault ? fault : "";

    if (strcmp(log->fault, text) != 0)
        log->changed = loop_now(log->loop);
    snprintf(log->fault, sizeof log->fault, "%s", text);
    if (is_quiet(log)) {
        log->burst = 0;
        log->pause_ms = PAUSE_FIRST_MS;
    }
    loop_disarm(log->loop, &log->timer);
    if (is_unlogged(log) && log->burst < BURST_MAX) {
        log->burst++;
        log_node_state(log);
        return;
    }
    log->suppressed += fault != NULL;
    if (is_unlogged(log) || fault)
        arm_log_timer(log);
}

void node_log_start(struct node_log *log, struct loop *loop, const char *server)
{
    *log = (struct node_log){.loop = loop, .server = server, .pause_ms = PAUSE_FIRST_MS};
    log->timer = (struct loop_timer){.fire = on_log_timer, .ctx = log};
}

void node_log_stop(struct node_log *log)
{
    loop_disarm(log->loop, &log->timer);
}
