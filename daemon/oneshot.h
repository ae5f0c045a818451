/* "p0f-lookupd lookup IP…": asks p0f once for each, without the daemon. */
#ifndef ONESHOT_H
#define ONESHOT_H

#include "config.h"

enum oneshot_result { ONESHOT_FOUND = 0, ONESHOT_NO_MATCH = 1, ONESHOT_ERROR = 2 };

/* Prints each host as JSON on stdout, and what went wrong on stderr. Returns the worst result, which
 * is the exit status. When p0f still owes an answer at the end, or when SIGHUP, SIGINT or SIGTERM ends
 * the process, a child of it stays to take what is owed, as hanging up on p0f can kill it. */
enum oneshot_result oneshot(const struct config *config, char *const *addresses);

#endif
