/* SPDX-License-Identifier: MIT */
/* "p0f-lookupd lookup IP…": queries each p0f once for each address, without the daemon. The shared tier is
 * not queried. */
#ifndef CMD_LOOKUP_H
#define CMD_LOOKUP_H

#include "cmd_lookup_line.h"
#include "config/config.h"

enum cmd_lookup_result { CMD_LOOKUP_FOUND = 0, CMD_LOOKUP_NO_MATCH = 1, CMD_LOOKUP_ERROR = 2 };

/* Prints a line for each address on stdout, in their order, as soon as it is known; without addresses, and
 * for "-", those on stdin. Errors are repeated on stderr, unless the line is for people; so is why
 * one of several p0fs could not be queried. Returns the
 * worst result, which is the exit status.
 *
 * If an answer is outstanding at the end, or at SIGHUP, SIGINT, SIGQUIT or SIGTERM, a child process stays
 * to read it, as closing the connection could kill p0f. It may fork, so no other thread may be running. */
enum cmd_lookup_result cmd_lookup(const struct config *config, char *const *addresses,
                                  enum cmd_lookup_format format);

#endif
