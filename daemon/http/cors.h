/* SPDX-License-Identifier: MIT */
/* Lets pages of other origins read our answers (https://fetch.spec.whatwg.org/#http-cors-protocol).
 * Private to the HTTP side. */
#ifndef HTTP_CORS_H
#define HTTP_CORS_H

#include "http/request.h"

struct MHD_Response;

/* Adds, like response_add(), the fields that a browser needs in any answer to this request. */
void cors_add_fields(const struct request *request, struct MHD_Response **response);

/* Also those that tell a browser what a page may send, if the request is a preflight and the page's origin
 * is allowed. */
void cors_add_preflight(const struct request *request, struct MHD_Response **response);

/* Whether the answer to this request has such fields for its origin alone, so that no other request may
 * get it. */
bool cors_is_own(const struct request *request);

#endif
