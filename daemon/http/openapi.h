/* SPDX-License-Identifier: MIT */
/* The description of this API (OpenAPI 3.1), compiled in. Pure. */
#ifndef HTTP_OPENAPI_H
#define HTTP_OPENAPI_H

#include <stddef.h>

/* The JSON document, static and terminated by a newline and a NUL; *length becomes its length without the
 * NUL. Any thread. */
const char *openapi_document(size_t *length);

#endif
