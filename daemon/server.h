/* SPDX-License-Identifier: MIT */
/* The daemon at work: builds the modules in their order, runs the loop, handles signals. */
#ifndef SERVER_H
#define SERVER_H

#include "config/config.h"

/* Serves until SIGTERM or SIGINT, then answers what is in flight and waits for what p0f owes.
 * Takes `config` over. `source` is read again on SIGHUP. Returns the exit status. */
int server_run(struct config *config, const struct config_source *source);

#endif
