/* SPDX-License-Identifier: MIT */
/* Which bytes may stand where in a request (RFC 9110, 5.6.2; RFC 3986, 3.2.2). Pure. */
#ifndef HTTP_SYNTAX_H
#define HTTP_SYNTAX_H

#include <stdbool.h>
#include <stddef.h>

/* A token, as the name of a header field is one: not empty. */
bool syntax_is_token(const char *text, size_t length);

/* Whether a host and its port may be made of these bytes; how they are put together is not looked at.
 * Empty is one. No commas, though RFC 3986 has them in names: two hosts in one field would be one. */
bool syntax_is_host(const char *text, size_t length);

#endif
