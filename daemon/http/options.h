/* SPDX-License-Identifier: MIT */
/* OPTIONS of any path: its methods, and for a browser's preflight what the pages of other origins may
 * send. Private to the HTTP side. */
#ifndef HTTP_OPTIONS_H
#define HTTP_OPTIONS_H

#include "http/route.h"

route_handler serve_options;

#endif
