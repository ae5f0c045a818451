/* SPDX-License-Identifier: MIT */
/* The address of a cluster node, as another node gives it: untrusted. Pure. */
#ifndef SHARE_NODE_ADDRESS_H
#define SHARE_NODE_ADDRESS_H

#include "core/span.h"

#include <stdbool.h>
#include <stdint.h>

struct node_address {
    char host[256]; /* a name or an address, without brackets; "": that of the node that gives it */
    uint16_t port;
};

/* False, with *address unchanged, if the host or the port is invalid or too long. */
bool node_address_set(struct node_address *address, struct span host, uint64_t port);

#endif
