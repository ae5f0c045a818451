/* SPDX-License-Identifier: MIT */
/* What was probably meant by a value that is not valid: "30" by "30s", "True" by "yes". Pure, except for
 * allocation. Any thread. */
#ifndef CONFIG_CORRECTION_H
#define CONFIG_CORRECTION_H

#include "config/option.h"

#define CORRECTION_SIZE 128

/* Writes to `corrected` a value that option_set() takes. False if there is no good guess, or if
 * the value may have a password. */
bool correction_find(const struct option *option, const char *value,
                     char corrected[CORRECTION_SIZE]);

#endif
