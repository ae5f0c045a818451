/* SPDX-License-Identifier: MIT */
/* The address of the client: the peer's, or if that is a trusted proxy, the one in its X-Forwarded-For
 * fields. Private to the HTTP side. */
#ifndef HTTP_CLIENT_ADDRESS_H
#define HTTP_CLIENT_ADDRESS_H

#include "http/request.h"

/* Sets *addr and returns it; NULL when there is no address: the request came over a unix socket without
 * one in its fields. In the worker's thread, once the header has been read. */
const struct p0f_addr *client_address(const struct request *request, struct p0f_addr *addr);

/* The same, pure. `peer` is who connected, NULL for a unix socket, which is trusted. `fields` are the `count`
 * values of X-Forwarded-For in their order; together they are one list, to which each proxy appends the
 * address of its own peer. A peer that is not trusted is the client, whatever it sent. Otherwise the list is
 * walked from the right, past trusted addresses, and ends at the first entry that is
 *   - an address that is not trusted: the client;
 *   - not an address: whatever is to the left of it is not to be trusted, and the client is the last
 *     trusted address so far, the peer included.
 * If all are trusted, the client is the leftmost. Empty entries are skipped; a port, brackets and the zone
 * of an IPv6 address are dropped ("192.0.2.1:80", "[2001:db8::1]:80", "fe80::1%eth0").
 * Allocates nothing; the work is bounded by the length of the fields. Any thread.
 * False when there is no address: a unix socket, and the walk met none. */
bool client_address_forwarded(const struct networks *trusted, const struct p0f_addr *peer,
                              const char *const *fields, size_t count, struct p0f_addr *client);

#endif
