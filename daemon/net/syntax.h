/* SPDX-License-Identifier: MIT */
/* Which characters are allowed where in a request (RFC 9110, 5.6.2; RFC 3986, 3.2.2). Pure. */
#ifndef NET_SYNTAX_H
#define NET_SYNTAX_H

#include <stdbool.h>
#include <stddef.h>

/* Whether it is a token, as the names of header fields are: not empty. */
bool syntax_is_token(const char *text, size_t length);

/* Whether it has only characters that a host and a port may have; their order is not checked.
 * It may be empty. Commas are not allowed, though RFC 3986 has them in names: two hosts in one field
 * would pass as one. */
bool syntax_is_host(const char *text, size_t length);

#endif
