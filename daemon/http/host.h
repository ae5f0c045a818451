/* SPDX-License-Identifier: MIT */
/* The requests that a lookup answers. Private to the HTTP side.
 *
 * Each function returns what the access handler is to return. */
#ifndef HTTP_HOST_H
#define HTTP_HOST_H

#include "http/request.h"

/* GET /host/{ip} */
enum MHD_Result serve_host(struct request *request);

/* GET /self: the same of who asks. */
enum MHD_Result serve_self(struct request *request);

/* GET /forward-auth: what is known of who asks, as header fields. Whatever comes of it, it is a 204:
 * a site must not turn visitors away because we do not know them. */
enum MHD_Result serve_forward_auth(struct request *request);

#endif
