/* SPDX-License-Identifier: MIT */
/* Looks a host up for a request and answers with it: the common part of /host, /self and /forward-auth.
 * Private to the HTTP side. */
#ifndef HTTP_HOST_LOOKUP_H
#define HTTP_HOST_LOOKUP_H

#include "http/request.h"
#include "http/route.h"

/* Looks request->lookup.addr up, and calls `finish` when request->lookup is done: at once, or after the
 * request has been suspended and resumed. `here_now` says that p0f sees the host right now, so a cached
 * "no match" is not believed. Returns what the access handler is to return. */
enum MHD_Result host_lookup(struct request *request, bool here_now, route_handler *finish);

/* Answers with the host in the target's format, or with the problem. */
route_handler host_lookup_respond;

#endif
