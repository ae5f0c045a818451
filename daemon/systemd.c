/* SPDX-License-Identifier: MIT */
#include "systemd.h"

#include "core/clock.h"

#include <inttypes.h>
#include <systemd/sd-daemon.h>

void systemd_notify_ready(const char *status)
{
    sd_notifyf(0, "READY=1\nSTATUS=%s", status);
}

void systemd_notify_reloading(void)
{
    /* systemd orders the messages by this clock (Type=notify-reload). */
    sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRId64, clock_mono().ns / 1000);
}

void systemd_notify_stopping(void)
{
    sd_notify(0, "STOPPING=1\nSTATUS=Shutting down: waiting for outstanding answers from p0f");
}
