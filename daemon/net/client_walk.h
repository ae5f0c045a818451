/* SPDX-License-Identifier: MIT */
/* Finds the client of a request: the peer or, if that is a trusted proxy, the address in the header field
 * http.client_header. Pure. */
#ifndef NET_CLIENT_WALK_H
#define NET_CLIENT_WALK_H

#include "net/client_header.h"
#include "net/networks.h"

#include <stddef.h>

enum client_walk {
    CLIENT_WALK_FOUND,       /* ended at an address that is not trusted: the client */
    CLIENT_WALK_NOTHING,     /* there was no entry */
    CLIENT_WALK_NO_ADDRESS,  /* ended at an entry that is not an address */
    CLIENT_WALK_ALL_TRUSTED, /* all entries were addresses of trusted proxies */
    CLIENT_WALK_IGNORED,     /* the peer is not trusted, but has sent the field */
};
#define CLIENT_WALKS 5

/* `peer` is who connected, NULL for a unix socket, which is trusted. `fields` are the `count` values of the
 * field `header` in their order; together they are one list, to which each proxy appends the address of its own
 * peer. A peer that is not trusted is the client, whatever it sent. Otherwise the list is walked from the
 * right, past trusted addresses, and ends at the first entry that is
 *   - an address that is not trusted: the client;
 *   - not an address: whatever is to the left of it is not to be trusted, and the client is the last
 *     trusted address so far, the peer included.
 * If all are trusted, the client is the leftmost. Empty entries are skipped. For the syntax of entries, see
 * net/node.h and net/forwarded.h. Each value of a field that holds a single address is one entry.
 *
 * Sets *client; its type is 0 when there is none: a unix socket, and the walk met no address. Allocates nothing;
 * the work is bounded by the length of the fields. Any thread. */
enum client_walk client_walk(enum client_header_kind header, const struct networks *trusted,
                             const struct p0f_addr *peer, const char *const *fields, size_t count,
                             struct p0f_addr *client);

#endif
