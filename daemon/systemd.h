/* SPDX-License-Identifier: MIT */
/* Notifies systemd of our state (sd_notify(3)). No-op if it did not start us. Any thread. */
#ifndef SYSTEMD_H
#define SYSTEMD_H

void systemd_notify_ready(void);
void systemd_notify_reloading(void);
void systemd_notify_stopping(void);

#endif
