/* SPDX-License-Identifier: MIT */
/* Notifies systemd of our state (sd_notify(3)), with a line for people (STATUS=). No-op if it did not start
 * us. In the loop's thread, or before that runs. */
#ifndef SYSTEMD_H
#define SYSTEMD_H

/* After the start and after each reload. `reload_error` says why a reload failed, or is NULL. */
void systemd_notify_ready(const char *reload_error);
void systemd_notify_reloading(void);

/* When the shutdown begins (NULL), and later what it waits for. Nothing else may be told then. */
void systemd_notify_stopping(const char *wait);

/* Why p0f cannot be queried, or NULL if it can. */
void systemd_notify_p0f(const char *fault);

#endif
