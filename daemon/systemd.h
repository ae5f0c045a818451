/* SPDX-License-Identifier: MIT */
/* Notifies systemd of our state (sd_notify(3)). No-op if it did not start us. Any thread. */
#ifndef SYSTEMD_H
#define SYSTEMD_H

/* `status` is one line for people (STATUS=). */
void systemd_notify_ready(const char *status);
void systemd_notify_reloading(void);
void systemd_notify_stopping(void);

#endif
