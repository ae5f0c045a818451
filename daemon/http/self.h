/* SPDX-License-Identifier: MIT */
/* GET /self: as /host/{ip}, about the client. Private to the HTTP side. */
#ifndef HTTP_SELF_H
#define HTTP_SELF_H

#include "http/route.h"

route_handler serve_self;

#endif
