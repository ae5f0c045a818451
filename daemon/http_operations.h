/* The requests of those who operate the daemon. Private to the HTTP side.
 *
 * Each function returns what the access handler is to return. */
#ifndef HTTP_OPERATIONS_H
#define HTTP_OPERATIONS_H

#include "http_request.h"

enum MHD_Result serve_livez(struct client *client);
enum MHD_Result serve_index(struct client *client);
enum MHD_Result serve_openapi(struct client *client);
enum MHD_Result serve_readyz(struct client *client);
enum MHD_Result serve_status(struct client *client);
enum MHD_Result serve_metrics(struct client *client);

#endif
