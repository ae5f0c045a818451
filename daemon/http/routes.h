/* SPDX-License-Identifier: MIT */
/* The table of all routes. Private to the HTTP side. */
#ifndef HTTP_ROUTES_H
#define HTTP_ROUTES_H

#include "http/route.h"

extern const struct route_table routes;

#endif
