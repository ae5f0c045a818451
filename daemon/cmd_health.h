/* SPDX-License-Identifier: MIT */
/* "p0f-lookupd health": asks the daemon that runs with these settings whether it serves, for the health check
 * of a container without curl. */
#ifndef CMD_HEALTH_H
#define CMD_HEALTH_H

#include "config/config.h"

#include <stdbool.h>

/* Requests /livez, or /readyz if `ready`, at the first address of http.listen, and waits 3 seconds at most.
 * With http.proxy_protocol, begins with a PROXY header if the daemon expects one from here.
 * Prints what it says, or on stderr what is wrong. Returns the exit status: 0 for the status 200, else 1. */
int cmd_health(const struct config *config, bool ready);

#endif
