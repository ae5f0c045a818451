/* SPDX-License-Identifier: MIT */
/* GET /host/{ip}. Private to the HTTP side. */
#ifndef HTTP_HOST_H
#define HTTP_HOST_H

#include "http/route.h"

route_handler serve_host;

#endif
