/* SPDX-License-Identifier: MIT */
/* Flows: clients as small numbers, by which admissions and turns with p0f are shared out. A client's
 * number is a keyed hash of its address or, without one, of its process, so two clients may share one,
 * but nobody can choose whose. Pure. */
#ifndef P0F_FLOW_H
#define P0F_FLOW_H

#include "core/hash.h"
#include "p0fclient.h"

#include <sys/types.h>

enum {
    FLOW_DAEMON,    /* the daemon's own queries, which check that p0f answers */
    FLOW_REFRESH,   /* the daemon's own, which refresh the cache */
    FLOW_NAMELESS,  /* all clients without an address, over a unix socket */
    FLOW_STRANGERS, /* the first number of clients that can be told apart */
    FLOWS = 1024,
};

/* The prefix of an IPv6 address that is one client. At least a /64, since whoever has one address of it
 * has them all; but providers hand out /56 and /48 as well, and it cannot be seen which. So a client has
 * a number for each, and all of them count (admission.h). */
enum { FLOW_64, FLOW_56, FLOW_48, FLOW_WIDTHS };

struct flow {
    uint16_t numbers[FLOW_WIDTHS]; /* of the longest prefix first */
    uint16_t widths;               /* how many of them are used: 1, but for IPv6 */
};

/* A flow with this number and no address. */
struct flow flow_numbered(unsigned number);

/* The flow of a client. NULL: FLOW_NAMELESS. */
struct flow flow_of(const struct hash_key *key, const struct p0f_addr *addr);

/* The flow of a process on this machine. 0, which is one that cannot be seen from here: FLOW_NAMELESS. */
struct flow flow_of_process(const struct hash_key *key, pid_t pid);

#endif
