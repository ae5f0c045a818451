/* SPDX-License-Identifier: MIT */
/* Content-Type fields (RFC 9110, 8.3). Pure. */
#ifndef HTTP_MEDIA_TYPE_H
#define HTTP_MEDIA_TYPE_H

#include <stdbool.h>

/* Whether it is application/json, in any case and with any parameters, which are meaningless there (RFC
 * 8259, 11); but not with a charset other than utf-8. */
bool media_type_is_json(const char *field);

#endif
