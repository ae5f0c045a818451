/* SPDX-License-Identifier: MIT */
/* The address of the client: the peer's, or if that is a trusted proxy, the one in its X-Forwarded-For
 * fields. Private to the HTTP side. */
#ifndef HTTP_CLIENT_ADDRESS_H
#define HTTP_CLIENT_ADDRESS_H

#include "http/request.h"

/* Sets *addr and returns it; NULL when there is no address: the request came over a unix socket without
 * one in its fields. In the worker's thread, once the header has been read. */
const struct p0f_addr *client_address(const struct request *request, struct p0f_addr *addr);

/* The same, pure. `peer` is who connected, NULL for a unix socket, which counts as trusted. `fields` are
 * the `count` values of X-Forwarded-For in their order; together they are one list. Each proxy appends
 * the address it was contacted from, so only the part right of the first untrusted address is reliable:
 *   - a peer that is not trusted is the client, whatever it sent;
 *   - else the rightmost address that is not trusted; if all are, the leftmost;
 *   - else, without any address, the peer.
 * Ports ("192.0.2.1:80", "[2001:db8::1]:80") are dropped, and entries that are not addresses skipped.
 * Allocates nothing; the work is bounded by the length of the fields. Any thread.
 * False when there is no address: a unix socket, and none in the fields. */
bool client_address_forwarded(const struct networks *trusted, const struct p0f_addr *peer,
                              const char *const *fields, size_t count, struct p0f_addr *client);

#endif
