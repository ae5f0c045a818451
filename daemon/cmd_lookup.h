/* SPDX-License-Identifier: MIT */
/* "p0f-lookupd lookup IP…": asks p0f once for each, without the daemon. */
#ifndef CMD_LOOKUP_H
#define CMD_LOOKUP_H

#include "config/config.h"

enum cmd_lookup_result { CMD_LOOKUP_FOUND = 0, CMD_LOOKUP_NO_MATCH = 1, CMD_LOOKUP_ERROR = 2 };

/* Prints each host as JSON on stdout, and what went wrong on stderr. Returns the worst result, which
 * is the exit status. When p0f still owes an answer at the end, a child process stays to take it, as
 * hanging up on p0f can kill it. For the same reason SIGHUP, SIGINT and SIGTERM wait for the end of a
 * question, which is after p0f.timeout at the latest; then they do what they always do. */
enum cmd_lookup_result cmd_lookup(const struct config *config, char *const *addresses);

#endif
