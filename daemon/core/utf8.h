/* SPDX-License-Identifier: MIT */
/* Texts whose encoding nobody vouches for, as p0f's are: UTF-8 if they can be read so, else Latin-1.
 * Pure. */
#ifndef CORE_UTF8_H
#define CORE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Whether the bytes up to the NUL are UTF-8 (Unicode 15, table 3-7). */
bool utf8_valid(const char *text);

/* Reads Latin-1 and writes the same text in UTF-8, of which each byte needs two at most, and a NUL.
 * What finds no room in `size` bytes (at least one) is cut off, never within a character. Returns
 * the length. */
size_t utf8_from_latin1(const char *bytes, char *out, size_t size);

#endif
