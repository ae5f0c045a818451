/* SPDX-License-Identifier: MIT */
/* Splits a host and a port, as in Host and in URLs (RFC 3986, 3.2). Pure. */
#ifndef NET_HOST_PORT_H
#define NET_HOST_PORT_H

#include "core/span.h"

/* Splits "host", "host:port", "[address]" and "[address]:port"; the host keeps its brackets. Without
 * brackets, several colons belong to an IPv6 address, not to a port. port->at becomes NULL when there is
 * none. Neither part is checked: the port may be empty, or not a number. */
void host_port_split(struct span text, struct span *host, struct span *port);

#endif
