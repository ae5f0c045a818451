/* SPDX-License-Identifier: MIT */
/* The daemon at work: runs the loop, and handles signals, reloads and shutting down. */
#ifndef SERVER_H
#define SERVER_H

#include "config/config.h"

/* Serves until a signal asks it to shut down (signals.h); then answers the requests that are under way
 * and waits for outstanding answers from p0f. Takes `config` over. `source` is read again on SIGHUP.
 * Returns the exit status. Blocks signals, so it must be called before any thread starts but that of the
 * log. */
int server_run(struct config *config, const struct config_source *source);

#endif
