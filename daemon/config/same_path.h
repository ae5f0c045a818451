/* SPDX-License-Identifier: MIT */
/* Whether two sockets are the same. */
#ifndef CONFIG_SAME_PATH_H
#define CONFIG_SAME_PATH_H

#include <stdbool.h>

/* Of two absolute paths: whether both are the same, be it by another way to the directory, as /run and /var/run
 * are. Paths have at most 107 bytes. */
bool same_path(const char *a, const char *b);

#endif
