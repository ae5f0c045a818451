/* SPDX-License-Identifier: MIT */
/* The requests of those who operate the daemon. Private to the HTTP side.
 *
 * Each function returns what the access handler is to return. */
#ifndef HTTP_OPS_H
#define HTTP_OPS_H

#include "http/request.h"

enum MHD_Result serve_livez(struct client *client);
enum MHD_Result serve_index(struct client *client);
enum MHD_Result serve_openapi(struct client *client);
enum MHD_Result serve_readyz(struct client *client);
enum MHD_Result serve_status(struct client *client);
enum MHD_Result serve_metrics(struct client *client);

#endif
