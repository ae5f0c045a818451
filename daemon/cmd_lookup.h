/* SPDX-License-Identifier: MIT */
/* "p0f-lookupd lookup IP…": queries p0f once for each address, without the daemon. */
#ifndef CMD_LOOKUP_H
#define CMD_LOOKUP_H

#include "config/config.h"

enum cmd_lookup_result { CMD_LOOKUP_FOUND = 0, CMD_LOOKUP_NO_MATCH = 1, CMD_LOOKUP_ERROR = 2 };

/* Prints each host as JSON on stdout, and errors on stderr. Returns the worst result, which is the exit
 * status. If an answer is outstanding at the end, a child process stays to read it, as closing the
 * connection could crash p0f. For the same reason SIGHUP, SIGINT and SIGTERM take effect after the
 * query under way: within p0f.timeout. It may fork, so no other thread may be running. */
enum cmd_lookup_result cmd_lookup(const struct config *config, char *const *addresses);

#endif
