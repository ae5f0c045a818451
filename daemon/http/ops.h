/* SPDX-License-Identifier: MIT */
/* Operations: health, status, metrics, and the descriptions of the API. Private to the HTTP side. */
#ifndef HTTP_OPS_H
#define HTTP_OPS_H

#include "http/route.h"

route_handler serve_livez;
route_handler serve_readyz;
route_handler serve_status;
route_handler serve_metrics;
route_handler serve_openapi;
route_handler serve_index;

#endif
