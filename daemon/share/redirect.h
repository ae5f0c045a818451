/* SPDX-License-Identifier: MIT */
/* The errors MOVED and ASK, with which a cluster node says that another node has the key. Pure. */
#ifndef SHARE_REDIRECT_H
#define SHARE_REDIRECT_H

#include "share/node_address.h"

struct redirect {
    bool asking; /* ASK: this time only, after ASKING. False: MOVED, from now on */
    struct node_address address;
};

/* Parses "MOVED 3999 host:port" or "ASK 3999 host:port". The host may be an IPv6 address, which Redis writes
 * without brackets, or empty: that of the node that replied. False for any other error. */
bool redirect_parse(struct span error, struct redirect *redirect);

#endif
