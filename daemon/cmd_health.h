/* SPDX-License-Identifier: MIT */
/* "p0f-lookupd health": asks a daemon whether it serves, for the health check of a container without curl. */
#ifndef CMD_HEALTH_H
#define CMD_HEALTH_H

#include "config/config.h"

#include <stdbool.h>

/* Requests /livez, or /readyz if `ready`, and waits 3 seconds at most. `where` is a URL, with or without a
 * path, or the path of a unix socket; NULL is the first address of http.listen. The certificate of https
 * is not verified. With http.proxy_protocol, begins with a PROXY header if the daemon expects one from
 * here. `config` may be NULL if there is a `where`: the file may be broken while a daemon serves with its
 * old settings.
 *
 * Prints what the daemon says, or on stderr a line about what is wrong. Returns the exit status: 0 for
 * the status 200, else 1. */
int cmd_health(const struct config *config, const char *where, bool ready);

#endif
