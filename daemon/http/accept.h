/* SPDX-License-Identifier: MIT */
/* Accept fields (RFC 9110, 12.5.1). Pure. */
#ifndef HTTP_ACCEPT_H
#define HTTP_ACCEPT_H

#include "http/fields.h"

#include <stdbool.h>

/* Whether the client prefers `type` to `usual`: it has the higher quality value or, if that is the same,
 * is named more specifically or earlier. False without a preference, if neither is acceptable, and for
 * what is malformed. The types are in lower case, like "application/json". */
bool accept_prefers(const struct field_values *accept, const char *type, const char *usual);

#endif
