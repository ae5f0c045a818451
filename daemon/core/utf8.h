/* SPDX-License-Identifier: MIT */
/* Text of unknown encoding, such as p0f's: taken as UTF-8 if it is valid UTF-8, else as Latin-1.
 * Pure. */
#ifndef CORE_UTF8_H
#define CORE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Whether the string is valid UTF-8 (Unicode 15, table 3-7). */
bool utf8_valid(const char *text);

/* Converts a Latin-1 string to UTF-8, at most two bytes for each, and a NUL. What does not fit into
 * `size` bytes (at least 1) is cut off, but never within a character. Returns the length. */
size_t utf8_from_latin1(const char *bytes, char *out, size_t size);

/* The way back, for a string that is valid UTF-8. False if a character is not in Latin-1, or if it does not
 * fit with its NUL. */
bool utf8_to_latin1(const char *text, char *out, size_t size);

#endif
