/* SPDX-License-Identifier: MIT */
#include "systemd.h"

#include "core/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <systemd/sd-daemon.h>

#define PART_SIZE 640

/* What STATUS= is made of; empty for nothing. */
static char p0f_fault[PART_SIZE], reload_error[PART_SIZE];

static void keep_part(char part[PART_SIZE], const char *text)
{
    snprintf(part, PART_SIZE, "%s", text ? text : "");
}

static void notify(const char *state)
{
    if (p0f_fault[0] && reload_error[0])
        sd_notifyf(0, "%sSTATUS=%s; the old settings are in force: %s", state, p0f_fault,
                   reload_error);
    else if (p0f_fault[0])
        sd_notifyf(0, "%sSTATUS=%s", state, p0f_fault);
    else if (reload_error[0])
        sd_notifyf(0, "%sSTATUS=Answering lookups with the old settings: %s", state, reload_error);
    else
        sd_notifyf(0, "%sSTATUS=Answering lookups", state);
}

void systemd_notify_ready(const char *error)
{
    keep_part(reload_error, error);
    notify("READY=1\n");
}

void systemd_notify_p0f(const char *fault)
{
    keep_part(p0f_fault, fault);
    notify("");
}

void systemd_notify_reloading(void)
{
    /* systemd orders the messages by this clock (Type=notify-reload). */
    sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRId64, clock_mono().ns / 1000);
}

void systemd_notify_stopping(const char *wait)
{
    sd_notifyf(0, "STOPPING=1\nSTATUS=Shutting down%s%s", wait ? ": " : "", wait ? wait : "");
}
