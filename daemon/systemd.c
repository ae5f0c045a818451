/* SPDX-License-Identifier: MIT */
#include "systemd.h"

#include "core/clock.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <systemd/sd-daemon.h>

#define PART_SIZE 640
#define STATE_SIZE (2 * PART_SIZE + 128)

/* What STATUS= is made of; empty for nothing. */
static char p0f_fault[PART_SIZE], reload_error[PART_SIZE];

static void keep_part(char part[PART_SIZE], const char *text)
{
    snprintf(part, PART_SIZE, "%s", text ? text : "");
}

/* sd_notifyf() would allocate, and without memory the manager would not learn that we are ready. */
__attribute__((format(printf, 1, 2))) static void tell_manager(const char *format, ...)
{
    char state[STATE_SIZE];
    va_list args;

    va_start(args, format);
    vsnprintf(state, sizeof state, format, args);
    va_end(args);
    sd_notify(0, state);
}

static void tell_status(const char *state)
{
    if (p0f_fault[0] && reload_error[0])
        tell_manager("%sSTATUS=%s; the old settings are in force: %s", state, p0f_fault,
                     reload_error);
    else if (p0f_fault[0])
        tell_manager("%sSTATUS=%s", state, p0f_fault);
    else if (reload_error[0])
        tell_manager("%sSTATUS=Answering lookups with the old settings: %s", state, reload_error);
    else
        tell_manager("%sSTATUS=Answering lookups", state);
}

void systemd_notify_ready(const char *error)
{
    keep_part(reload_error, error);
    tell_status("READY=1\n");
}

void systemd_notify_p0f(const char *fault)
{
    keep_part(p0f_fault, fault);
    tell_status("");
}

void systemd_notify_reloading(void)
{
    /* systemd orders the messages by this clock (Type=notify-reload). */
    tell_manager("RELOADING=1\nMONOTONIC_USEC=%" PRId64, clock_mono().ns / 1000);
}

void systemd_notify_stopping(const char *wait)
{
    tell_manager("STOPPING=1\nSTATUS=Shutting down%s%s", wait ? ": " : "", wait ? wait : "");
}
