/* SPDX-License-Identifier: MIT */
/* Letting pages of other origins read our answers (https://fetch.spec.whatwg.org/#http-cors-protocol).
 * Private to the HTTP side. */
#ifndef HTTP_CORS_H
#define HTTP_CORS_H

#include "http/request.h"

struct MHD_Response;

/* Adds, as response_add() does, what a browser must know of any answer to this request. */
void cors_add_fields(const struct request *request, struct MHD_Response **response);

/* Whether that is for the pages of one origin. Where it is not, all answers have the same. */
bool cors_is_own(const struct request *request);

#endif
