/* SPDX-License-Identifier: MIT */
/* The address of the client: the peer's, or if that is a trusted proxy, the one in the header field
 * http.client_header (net/client_walk.h). Private to the HTTP side; in the worker's thread, once the header
 * has been read. */
#ifndef HTTP_CLIENT_ADDRESS_H
#define HTTP_CLIENT_ADDRESS_H

#include "http/request.h"

/* Sets *addr and returns it; NULL when there is no address: the request came over a unix socket without
 * one in its fields. */
const struct p0f_addr *client_address(const struct request *request, struct p0f_addr *addr);

/* The same for a request that is about its client, who should not be a proxy: if it is, that is logged once
 * (client_hint.h). */
const struct p0f_addr *client_address_of_visitor(const struct request *request,
                                                 struct p0f_addr *addr);

#endif
