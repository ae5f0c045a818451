/* SPDX-License-Identifier: MIT */
#include "p0f/pool_log.h"

#include "core/log.h"

#include <errno.h>
#include <stdio.h>

#define MORE_SIZE 64

/* ---- The messages. `more` says how many were suppressed. */

static void tell_down(const struct pool_log *log, const struct link_fault *fault, const char *more)
{
    if (fault->error == P0F_UNREACHABLE || fault->error == P0F_SYSTEM) {
        errno = fault->cause;
        log_warn("%s: cannot connect to p0f (is it running with -s %s?); retrying%s", log->socket,
                 log->socket, more);
    } else {
        log_warnx("%s: connection to p0f lost: %s; reconnecting%s", log->socket,
                  p0f_strerror(fault->error), more);
    }
}

static void tell_silent(const struct pool_log *log, const char *more)
{
    log_warnx("%s: p0f accepts connections but does not answer: its connection limit (-S) is "
              "reached, or it is stopped%s",
              log->socket, more);
}

static void tell_broken(const struct pool_log *log, const struct link_fault *fault,
                        const char *more)
{
    enum p0f_dialect found = fault->dialect;

    if (fault->error == P0F_WRONG_DIALECT)
        log_errx("%s: p0f.dialect is %s, but p0f's answers have %zu bytes (%s), not %zu%s",
                 log->socket, p0f_dialect_name(log->wanted), p0f_answer_size(found),
                 p0f_dialect_name(found), p0f_answer_size(log->wanted), more);
    else
        log_warnx("%s: %s; dropping the connection%s", log->socket, p0f_strerror(fault->error),
                  more);
}

static void tell_well(struct pool_log *log, const char *more)
{
    log_info("%s: p0f answers (dialect %s)%s", log->socket, p0f_dialect_name(log->spoken), more);
    log->told_well = true;
    log->told_broken = false;
}

/* ---- Which of them */

static bool is_pausing(const struct pool_log *log, const struct pool_log_trouble *trouble)
{
    return trouble->told && mono_ms_between(trouble->at, loop_now(log->loop)) < POOL_LOG_PAUSE_MS;
}

static void log_trouble(struct pool_log *log, enum pool_trouble which)
{
    struct pool_log_trouble *trouble = &log->troubles[which];
    bool over = which == POOL_DOWN && !log->down; /* it was lost, and is back */
    char more[MORE_SIZE] = "";

    if (trouble->suppressed > 0)
        snprintf(more, sizeof more,
                 over ? " again, after it was lost %u more times"
                      : " (%u similar messages suppressed)",
                 trouble->suppressed);
    trouble->told = true;
    trouble->at = loop_now(log->loop);
    trouble->suppressed = 0;
    if (over) {
        tell_well(log, more);
        return;
    }
    log->told_well = log->told_well && which == POOL_BROKEN;
    log->told_broken = which == POOL_BROKEN;
    if (which == POOL_DOWN)
        tell_down(log, &trouble->fault, more);
    else if (which == POOL_SILENT)
        tell_silent(log, more);
    else
        tell_broken(log, &trouble->fault, more);
}

/* Not if it has recovered since the timer was armed. */
static bool is_worth_telling(const struct pool_log *log, enum pool_trouble which)
{
    return log->troubles[which].suppressed > 0 && (which != POOL_SILENT || log->silent);
}

static void arm(struct pool_log *log)
{
    for (enum pool_trouble which = 0; which < POOL_TROUBLES; which++) {
        struct mono at = mono_add_ms(log->troubles[which].at, POOL_LOG_PAUSE_MS);
        if (is_worth_telling(log, which) &&
            (!loop_armed(&log->timer) || mono_before(at, log->timer.at)))
            loop_arm(log->loop, &log->timer, at);
    }
}

static void on_log_again(void *ctx)
{
    struct pool_log *log = ctx;

    for (enum pool_trouble which = 0; which < POOL_TROUBLES; which++)
        if (is_worth_telling(log, which) && !is_pausing(log, &log->troubles[which]))
            log_trouble(log, which);
    arm(log);
}

static void raise_trouble(struct pool_log *log, enum pool_trouble which,
                          const struct link_fault *fault)
{
    struct pool_log_trouble *trouble = &log->troubles[which];

    trouble->fault = *fault;
    if (!is_pausing(log, trouble)) {
        log_trouble(log, which);
        return;
    }
    trouble->suppressed++;
    arm(log);
}

void pool_log_down(struct pool_log *log, const struct link_fault *fault)
{
    if (log->down)
        return;
    log->down = true;
    raise_trouble(log, POOL_DOWN, fault);
}

void pool_log_silent(struct pool_log *log)
{
    if (log->silent)
        return;
    log->silent = true;
    raise_trouble(log, POOL_SILENT, &(struct link_fault){0});
}

void pool_log_broken(struct pool_log *log, const struct link_fault *fault)
{
    if (fault->error == P0F_MALFORMED || fault->error == P0F_WRONG_DIALECT)
        raise_trouble(log, POOL_BROKEN, fault);
}

void pool_log_ready(struct pool_log *log, enum p0f_dialect dialect, bool first, bool silent)
{
    log->down = false;
    log->silent = silent;
    log->spoken = dialect;
    if (log->told_well ? first && log->told_broken : first || !silent)
        tell_well(log, "");
}

/* ---- The whole */

void pool_log_start(struct pool_log *log, struct loop *loop, const char *socket,
                    enum p0f_dialect wanted)
{
    *log = (struct pool_log){.loop = loop, .socket = socket, .wanted = wanted};
    log->timer = (struct loop_timer){.fire = on_log_again, .ctx = log};
}

void pool_log_stop(struct pool_log *log)
{
    loop_disarm(log->loop, &log->timer);
}
