/* SPDX-License-Identifier: MIT */
/* Looking a host up for a request, and answering with what p0f knows of it: what /host, /self and
 * /forward-auth have in common. Private to the HTTP side. */
#ifndef HTTP_HOST_LOOKUP_H
#define HTTP_HOST_LOOKUP_H

#include "http/request.h"
#include "http/route.h"

/* Looks request->lookup.addr up, and has `finish` called once request->lookup is done: at once, or when
 * the request, suspended meanwhile, goes on. `here_now` says that p0f sees the host just now, so that
 * what it did not know a moment ago is asked again. Returns what the access handler is to return. */
enum MHD_Result host_lookup(struct request *request, bool here_now, route_handler *finish);

/* Answers with the outcome: the host in the target's format, or the problem there was. */
route_handler host_lookup_respond;

#endif
