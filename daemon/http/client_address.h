/* SPDX-License-Identifier: MIT */
/* Whose request it is: the connection's other end, or whom a trusted proxy there speaks for in the
 * X-Forwarded-For fields. Private to the HTTP side. */
#ifndef HTTP_CLIENT_ADDRESS_H
#define HTTP_CLIENT_ADDRESS_H

#include "http/request.h"

/* Sets *addr and returns it; NULL when there is no address: the request came over a unix socket without
 * one in its fields. Once the header has been read; in the worker's thread. */
const struct p0f_addr *client_address(const struct request *request, struct p0f_addr *addr);

/* `peer` is who connected, NULL for a unix socket, which counts as trusted. `fields` are the `count`
 * values of X-Forwarded-For in the order they came in; together they are one list. Each proxy has
 * put the address it was asked from at the end, so only what is right of the first one that nobody
 * vouches for can be believed:
 *   - a peer that is not trusted is the client, whatever it wrote;
 *   - else the rightmost address that is not trusted; when all are, the leftmost;
 *   - else, without any address, the peer.
 * Ports ("192.0.2.1:80", "[2001:db8::1]:80") are left out, and what is no address is passed over.
 * Allocates nothing; the work is bounded by the length of the fields. Any thread.
 * False when there is no address to be had: a unix socket and no address in the fields. */
bool client_address_forwarded(const struct networks *trusted, const struct p0f_addr *peer,
                              const char *const *fields, size_t count, struct p0f_addr *client);

#endif
