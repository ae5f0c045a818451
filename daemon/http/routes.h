/* SPDX-License-Identifier: MIT */
/* All paths that there are. Private to the HTTP side. */
#ifndef HTTP_ROUTES_H
#define HTTP_ROUTES_H

#include "http/route.h"

extern const struct route_table routes;

#endif
