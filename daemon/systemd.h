/* SPDX-License-Identifier: MIT */
/* Tells systemd how we are (sd_notify(3)); nothing happens when it did not start us. */
#ifndef SYSTEMD_H
#define SYSTEMD_H

void systemd_notify_ready(void);
void systemd_notify_reloading(void);
void systemd_notify_stopping(void);

#endif
