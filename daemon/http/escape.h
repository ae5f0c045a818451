/* SPDX-License-Identifier: MIT */
/* Escapes what a client has sent for a line of the log. Pure. */
#ifndef HTTP_ESCAPE_H
#define HTTP_ESCAPE_H

#include <stddef.h>

#define ESCAPE_SIZE(bytes) (4 * (bytes) + 1) /* suffices for that many bytes of any text */

/* Escapes up to `max` bytes of a string as nginx and Apache do: quotes and backslashes are preceded by a
 * backslash, and what is not printable ASCII becomes \xHH. Stops before a character that does not fit as a
 * whole into `size`, which must not be 0. */
void escape(const char *text, size_t max, char *out, size_t size);

#endif
