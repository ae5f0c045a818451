/* SPDX-License-Identifier: MIT */
/* Content-Type fields (RFC 9110, 8.3). Pure. */
#ifndef HTTP_MEDIA_TYPE_H
#define HTTP_MEDIA_TYPE_H

#include <stdbool.h>

/* Whether it is `type`, in any case and with any parameters; but not with a charset other than UTF-8 and
 * ASCII, which is a part of it. */
bool media_type_is(const char *field, const char *type);

#endif
