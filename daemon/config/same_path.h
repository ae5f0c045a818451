/* SPDX-License-Identifier: MIT */
/* Compares the paths of sockets. */
#ifndef CONFIG_SAME_PATH_H
#define CONFIG_SAME_PATH_H

#include <stdbool.h>

/* Whether two absolute paths of at most 107 bytes name the same socket, perhaps in different ways, as with /run
 * and /var/run. */
bool same_path(const char *a, const char *b);

#endif
