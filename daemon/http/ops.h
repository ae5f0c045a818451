/* SPDX-License-Identifier: MIT */
/* The requests of those who operate the daemon. Private to the HTTP side.
 *
 * Each function returns what the access handler is to return. */
#ifndef HTTP_OPS_H
#define HTTP_OPS_H

#include "http/request.h"

enum MHD_Result serve_livez(struct request *request);
enum MHD_Result serve_index(struct request *request);
enum MHD_Result serve_openapi(struct request *request);
enum MHD_Result serve_readyz(struct request *request);
enum MHD_Result serve_status(struct request *request);
enum MHD_Result serve_metrics(struct request *request);

#endif
