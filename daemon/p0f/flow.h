/* SPDX-License-Identifier: MIT */
/* Who asks, as small numbers by which what is scarce is shared out: places to wait in, turns with
 * p0f. Strangers are told apart by a keyed hash of their address, so two of them may have the same
 * number, but none can choose whose. Pure. */
#ifndef P0F_FLOW_H
#define P0F_FLOW_H

#include "core/hash.h"
#include "p0fclient.h"

enum {
    FLOW_DAEMON,   /* itself, to learn whether p0f answers */
    FLOW_REFRESH,  /* itself, for answers that get old */
    FLOW_NAMELESS, /* all who come without an address, over a unix socket */
    FLOW_STRANGERS,
    FLOWS = 1024, /* all numbers are below */
};

/* How much of an IPv6 address is taken for one client. Its first 64 bits always, as whoever has one
 * address of those has them all; but providers hand out 56 and 48 bits as well, and nobody can see
 * which. So a client has a number for each, and is judged by all of them (admission.h). */
enum { FLOW_64, FLOW_56, FLOW_48, FLOW_WIDTHS };

struct flow {
    uint16_t numbers[FLOW_WIDTHS]; /* of the narrowest network first */
    uint16_t widths;               /* so many of them count: 1 but for IPv6 */
};

/* One who has this number and no address. */
struct flow flow_numbered(unsigned number);

/* NULL: nameless. */
struct flow flow_of(const struct hash_key *key, const struct p0f_addr *addr);

#endif
