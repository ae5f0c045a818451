/* SPDX-License-Identifier: MIT */
/* The PROXY protocol: a header that a proxy sends at the beginning of a connection, with the address of
 * its client. Version 1 is a line of text, version 2 is binary. The specification comes with HAProxy
 * (doc/proxy-protocol.txt). Pure, no allocation; any thread. */
#ifndef NET_PROXY_PROTOCOL_H
#define NET_PROXY_PROTOCOL_H

#include "p0fclient.h"

#include <stddef.h>
#include <stdint.h>

/* The longest header that is accepted: as much as fits into the smallest TCP segment that every host must
 * accept (576 bytes, less 40 for IP and TCP), as the specification recommends. The longest addresses, two
 * paths of unix sockets, take 16 + 216 bytes of it, which leaves 304 for TLVs. */
#define PROXY_HEADER_MAX 536

struct proxy_header {
    enum {
        PROXY_CLIENT_PEER, /* the proxy itself (LOCAL, as in a health check), or it does not say (UNKNOWN) */
        PROXY_CLIENT_ADDR,
        PROXY_CLIENT_UNIX, /* a client of the proxy's on a unix socket */
    } client;
    struct p0f_addr addr; /* with PROXY_CLIENT_ADDR; as p0f knows it: ::ffff:a.b.c.d is IPv4 */
};

/* What proxy_header_parse() returns instead of a length. */
enum {
    PROXY_HEADER_INCOMPLETE = 0,
    PROXY_HEADER_MISSING = -1, /* the first bytes are not those of a header */
    PROXY_HEADER_MALFORMED = -2,
    PROXY_HEADER_TOO_LONG = -3, /* than PROXY_HEADER_MAX, or than 107 bytes in version 1 */
};

/* Reads the header that `data` begins with. Returns its length, with *header set; or
 * PROXY_HEADER_INCOMPLETE if `data` ends within the header; or what is wrong. Only the result for an
 * incomplete header can change as more bytes arrive, and PROXY_HEADER_MAX bytes are never incomplete. TLVs
 * are skipped, not parsed. */
int proxy_header_parse(const uint8_t *data, size_t size, struct proxy_header *header);

/* A whole header: version 2, LOCAL. */
#define PROXY_HEADER_LOCAL_SIZE 16
extern const uint8_t proxy_header_local[PROXY_HEADER_LOCAL_SIZE];

#endif
