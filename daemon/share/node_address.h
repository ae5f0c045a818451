/* SPDX-License-Identifier: MIT */
/* Where a node of a cluster is, as another node says: as untrusted as all that comes from there. Pure. */
#ifndef SHARE_NODE_ADDRESS_H
#define SHARE_NODE_ADDRESS_H

#include "core/span.h"

#include <stdbool.h>
#include <stdint.h>

struct node_address {
    char host[256]; /* a name or an address, without brackets; "": that of the node that says so */
    uint16_t port;
};

/* False, with *address unchanged, when either is out of bounds or cannot be a host or a port. */
bool node_address_set(struct node_address *address, struct span host, uint64_t port);

#endif
