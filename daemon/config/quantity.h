/* SPDX-License-Identifier: MIT */
/* Numbers with a unit, as written in the settings. Pure. */
#ifndef CONFIG_QUANTITY_H
#define CONFIG_QUANTITY_H

#include <stdbool.h>
#include <stdint.h>

#define QUANTITY_TEXT_SIZE 32

/* Digits and a unit: ms, s, m, h or d; 0 needs none. In milliseconds. False, with *ms undefined, when it is
 * anything else, or too large. */
bool quantity_read_duration(const char *text, int64_t *ms);

/* Digits, and k, m or g (1000 each) or nothing. False as above. */
bool quantity_read_count(const char *text, int64_t *count);

/* Writes a duration in the largest unit that it is a whole number of, to `space`, which is returned. */
const char *quantity_format_duration(int64_t ms, char space[QUANTITY_TEXT_SIZE]);

#endif
