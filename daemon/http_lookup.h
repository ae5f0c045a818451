/* The requests that a lookup answers. Private to the HTTP side.
 *
 * Each function returns what the access handler is to return. */
#ifndef HTTP_LOOKUP_H
#define HTTP_LOOKUP_H

#include "http_request.h"

/* GET /host/{ip} */
enum MHD_Result serve_host(struct client *client);

#endif
