/* SPDX-License-Identifier: MIT */
/* Notifies systemd of our state (sd_notify(3)), with a line for people (STATUS=). No-op if it did not start
 * us. All in the loop's thread, or before that runs.
 *
 * Nothing here blocks: if systemd is slow to read, what it has not been sent is sent later, brought up to
 * date. */
#ifndef SYSTEMD_H
#define SYSTEMD_H

#include "core/loop.h"
#include "net/inherited_sockets.h"

#include <stdbool.h>
#include <stdint.h>

/* Takes over the sockets of our socket units, if any, and their variables out of the environment. False
 * with a message in `error`, and errno as of inherited_sockets_read(). Before any thread starts. */
bool systemd_inherit(struct inherited_sockets *sockets, char error[INHERITED_SOCKETS_ERROR_SIZE]);

/* Reads the environment. Before all others; borrows the loop until systemd_end(). */
void systemd_begin(struct loop *loop);

/* Drops what has not been sent. No-op before systemd_begin(). */
void systemd_end(void);

/* Whether systemd wants to be notified. */
bool systemd_listens(void);

/* How often the watchdog must be fed (WatchdogSec=), in milliseconds; 0: not at all. */
int64_t systemd_watchdog_ms(void);

/* All is well: feeds the watchdog. */
void systemd_feed_watchdog(void);

/* After the start and after each reload. `reload_error` says why a reload failed, or is NULL. */
void systemd_notify_ready(const char *reload_error);
void systemd_notify_reloading(void);

/* When the shutdown begins (NULL), and later what it waits for. Only the watchdog is still fed then. */
void systemd_notify_stopping(const char *wait);

/* Why p0f cannot be queried, or NULL if it can. */
void systemd_notify_p0f(const char *fault);

#endif
