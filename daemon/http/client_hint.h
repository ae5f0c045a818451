/* SPDX-License-Identifier: MIT */
/* Logs, once for each kind, that a request about its client seems to be about a proxy instead, and what to
 * change. Private to the HTTP side. */
#ifndef HTTP_CLIENT_HINT_H
#define HTTP_CLIENT_HINT_H

#include "http/request.h"
#include "net/client_walk.h"

/* `peer` is NULL for a unix socket. Names no address, only a network of http.trusted_proxies. A field that is
 * ignored is no reason for a hint with http.proxy_protocol: the peer may be a visitor, who can send any. */
void client_hint(const struct request *request, enum client_walk walk, const struct p0f_addr *peer);

#endif
