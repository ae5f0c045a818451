/* SPDX-License-Identifier: MIT */
/* What a Content-Type field says (RFC 9110, 8.3). Pure. */
#ifndef HTTP_MEDIA_TYPE_H
#define HTTP_MEDIA_TYPE_H

#include <stdbool.h>

/* Whether it is application/json, in any case of letters and with whatever parameters, which mean
 * nothing there (RFC 8259, 11); but a charset other than utf-8 is none that JSON comes in. */
bool media_type_is_json(const char *field);

#endif
