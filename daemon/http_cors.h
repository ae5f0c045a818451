/* Letting pages of other origins read our answers (https://fetch.spec.whatwg.org/#http-cors-protocol).
 * Private to the HTTP side. */
#ifndef HTTP_CORS_H
#define HTTP_CORS_H

#include "http_request.h"

/* Adds, as reply_add() does, what a browser must know of any answer to this request. A response with
 * allow_origin is not to be shared with other requests; all those without it are alike. */
void http_cors_add(const struct client *client, struct MHD_Response **response);

/* OPTIONS, a preflight included. Returns what the access handler is to return. */
enum MHD_Result serve_options(struct client *client);

#endif
