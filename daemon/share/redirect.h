/* SPDX-License-Identifier: MIT */
/* The errors with which a node of a cluster says that another one has the key. Pure. */
#ifndef SHARE_REDIRECT_H
#define SHARE_REDIRECT_H

#include "share/node_address.h"

struct redirect {
    bool asking; /* ASK: this time only, and behind ASKING. Else MOVED: from now on */
    struct node_address address;
};

/* Reads "MOVED 3999 host:port" or "ASK 3999 host:port". The host may be an IPv6 address, which Redis writes
 * without brackets, or missing: that of the node that said so. False when it is anything else. */
bool redirect_parse(struct span error, struct redirect *redirect);

#endif
