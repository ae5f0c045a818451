/* SPDX-License-Identifier: MIT */
/* The address of a client or a proxy, as header fields name it: "192.0.2.1", "192.0.2.1:80",
 * "2001:db8::1", "[2001:db8::1]:80", "fe80::1%eth0". Pure. */
#ifndef NET_NODE_H
#define NET_NODE_H

#include "core/span.h"
#include "p0fclient.h"

enum node_port {
    NODE_PORT_NUMBER,     /* up to 65535, in 5 digits at most */
    NODE_PORT_OBFUSCATED, /* or an underscore and a name (RFC 7239, 6.3): "_gazonk" */
};

/* Drops the port, the brackets and, of an IPv6 address, the zone. False, with *addr unchanged, when `text`
 * is anything else, or empty. */
bool node_parse(struct span text, enum node_port ports, struct p0f_addr *addr);

#endif
