/* SPDX-License-Identifier: MIT */
/* What a client has sent, made fit for a line of a log. Pure. */
#ifndef HTTP_ESCAPE_H
#define HTTP_ESCAPE_H

#include <stddef.h>

#define ESCAPE_SIZE(bytes) (4 * (bytes) + 1) /* for so many bytes of text, whatever they are */

/* Escapes up to `most` bytes of a string as nginx and Apache do: quotes and backslashes get a backslash
 * before them, and what is not printable ASCII becomes \xHH. Ends before what has no room as a whole in
 * `size`, which is not 0. */
void escape(const char *text, size_t max, char *out, size_t size);

#endif
