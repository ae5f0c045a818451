/* SPDX-License-Identifier: MIT */
/* The description of our own interface (OpenAPI 3.1), as it was built in. Pure. */
#ifndef HTTP_OPENAPI_H
#define HTTP_OPENAPI_H

#include <stddef.h>

/* The JSON document, static and ended by a newline and a NUL; its length without the NUL goes to
 * *length. Any thread. */
const char *openapi_document(size_t *length);

#endif
