/* SPDX-License-Identifier: MIT */
#include "p0f/pool_log.h"

#include "core/log.h"

#include <stdio.h>
#include <string.h>

#define MORE_SIZE 64

/* ---- The messages. `more` says how often it has happened since. */

static void tell_trouble(struct pool_log *log, unsigned which, const char *more)
{
    const char *reason = log->troubles[which].reason;
    bool single = which == POOL_TROUBLE_DROPPED;

    if (which == POOL_FAULT_FOREIGN)
        log_errx("%s%s", reason, more);
    else
        log_warnx("%s%s", reason, more);
    log->told_well = log->told_well && single;
    log->told_dropped = single;
    if (which >= POOL_FAULTS)
        return;
    log->untold = false;
    log->told_fault = true;
    if (log->told)
        log->told(log->ctx, reason);
}

static void tell_well(struct pool_log *log, const char *more)
{
    log_info("%s: p0f answers (dialect %s)%s", log->socket, p0f_dialect_name(log->spoken), more);
    log->told_well = true;
    log->told_dropped = false;
    if (log->told_fault && log->told)
        log->told(log->ctx, NULL);
    log->told_fault = false;
}

/* ---- When */

/* A fault that is not logged yet and lasts is not kept back for the whole of a grown pause. */
static struct mono due_at(const struct pool_log *log, unsigned which)
{
    const struct pool_log_trouble *trouble = &log->troubles[which];
    struct mono due = mono_add_ms(trouble->at, trouble->pause_ms);

    if (which == log->fault && log->untold)
        due = mono_earlier(due, mono_add_ms(log->changed, POOL_LOG_PAUSE_MS));
    return due;
}

static bool is_due(const struct pool_log *log, unsigned which)
{
    return !log->troubles[which].told || !mono_before(loop_now(log->loop), due_at(log, which));
}

/* Not if it is over since the timer was armed; but it is worth telling how often p0f was lost. */
static bool is_worth_telling(const struct pool_log *log, unsigned which)
{
    if (log->troubles[which].suppressed == 0)
        return false;
    switch (which) {
    case POOL_TROUBLE_DROPPED:
        return true;
    case POOL_TROUBLE_UNSERVED:
        return log->unserved;
    case POOL_FAULT_LOST:
        return log->fault == POOL_FAULT_LOST || log->fault == POOL_FAULT_NONE;
    default:
        return log->fault == which;
    }
}

/* The pause doubles while the trouble goes on. */
static void note_told(struct pool_log *log, struct pool_log_trouble *trouble)
{
    struct mono now = loop_now(log->loop);
    bool goes_on = trouble->told && mono_ms_between(trouble->at, now) < 2 * trouble->pause_ms;

    trouble->pause_ms = goes_on ? 2 * trouble->pause_ms : POOL_LOG_PAUSE_MS;
    if (trouble->pause_ms > POOL_LOG_PAUSE_MAX_MS)
        trouble->pause_ms = POOL_LOG_PAUSE_MAX_MS;
    trouble->told = true;
    trouble->at = now;
    trouble->suppressed = 0;
}

static void log_trouble(struct pool_log *log, unsigned which)
{
    struct pool_log_trouble *trouble = &log->troubles[which];
    int64_t seconds = mono_ms_between(trouble->at, loop_now(log->loop)) / 1000;
    bool over = which == POOL_FAULT_LOST && log->fault == POOL_FAULT_NONE;
    char more[MORE_SIZE] = "";

    if (trouble->suppressed > 0)
        snprintf(more, sizeof more,
                 over ? " again, after it was lost %u more time%s in %lld s"
                      : " (%u more time%s in %lld s)",
                 trouble->suppressed, trouble->suppressed == 1 ? "" : "s", (long long)seconds);
    note_told(log, trouble);
    if (over)
        tell_well(log, more);
    else
        tell_trouble(log, which, more);
}

static void arm_log(struct pool_log *log)
{
    for (unsigned which = 0; which < POOL_TROUBLES; which++) {
        struct mono at = due_at(log, which);
        if (is_worth_telling(log, which) &&
            (!loop_armed(&log->timer) || mono_before(at, log->timer.at)))
            loop_arm(log->loop, &log->timer, at);
    }
}

static void on_log_again(void *ctx)
{
    struct pool_log *log = ctx;

    for (unsigned which = 0; which < POOL_TROUBLES; which++)
        if (is_worth_telling(log, which) && is_due(log, which))
            log_trouble(log, which);
    arm_log(log);
}

static void raise_trouble(struct pool_log *log, unsigned which, const char *reason)
{
    struct pool_log_trouble *trouble = &log->troubles[which];

    snprintf(trouble->reason, sizeof trouble->reason, "%s", reason);
    if (is_due(log, which)) {
        log_trouble(log, which);
        return;
    }
    trouble->suppressed++;
    arm_log(log);
}

/* ---- What happens */

void pool_log_fault(struct pool_log *log, enum pool_fault fault, const char *reason)
{
    bool telling = fault == POOL_FAULT_UNREACHABLE || fault == POOL_FAULT_FOREIGN;
    bool same =
        fault == log->fault && !(telling && strcmp(log->troubles[fault].reason, reason) != 0);

    if (fault == POOL_FAULT_NONE || fault == POOL_FAULT_CONNECTING ||
        (same && fault != POOL_FAULT_FOREIGN))
        return;
    if (!same) {
        log->fault = fault;
        log->changed = loop_now(log->loop);
        log->untold = true;
    }
    raise_trouble(log, fault, reason);
}

void pool_log_dropped(struct pool_log *log, const char *reason)
{
    raise_trouble(log, POOL_TROUBLE_DROPPED, reason);
}

void pool_log_unserved(struct pool_log *log, const char *reason)
{
    if (log->unserved)
        return;
    log->unserved = true;
    raise_trouble(log, POOL_TROUBLE_UNSERVED, reason);
}

static void end_fault(struct pool_log *log)
{
    log->fault = POOL_FAULT_NONE;
    log->untold = false;
}

void pool_log_ready(struct pool_log *log, enum p0f_dialect dialect, bool first, bool silent)
{
    end_fault(log);
    log->unserved = silent;
    log->spoken = dialect;
    if (log->told_well ? first && log->told_dropped : first || !silent)
        tell_well(log, "");
}

void pool_log_recovered(struct pool_log *log, int64_t ms)
{
    char more[MORE_SIZE];

    end_fault(log);
    snprintf(more, sizeof more, " again, after %lld s", (long long)(ms / 1000));
    if (!log->told_well)
        tell_well(log, more);
}

/* ---- The whole */

void pool_log_start(struct pool_log *log, struct loop *loop, const char *socket,
                    void (*told)(void *ctx, const char *fault), void *ctx)
{
    *log = (struct pool_log){.loop = loop, .socket = socket, .told = told, .ctx = ctx};
    log->timer = (struct loop_timer){.fire = on_log_again, .ctx = log};
}

void pool_log_stop(struct pool_log *log)
{
    loop_disarm(log->loop, &log->timer);
}
