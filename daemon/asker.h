/* Who asks, as a small number by which what is scarce is shared out: places to wait in, turns with
 * p0f. Strangers are told apart by a keyed hash of their address, so two of them may have the same
 * number, but none can choose whose. Pure. */
#ifndef ASKER_H
#define ASKER_H

#include "hash.h"
#include "p0fclient.h"

enum {
    ASKER_DAEMON,   /* itself, to learn whether p0f answers */
    ASKER_REFRESH,  /* itself, for answers that get old */
    ASKER_NAMELESS, /* all who come without an address, over a unix socket */
    ASKER_STRANGERS,
    ASKERS = 1024, /* all numbers are below */
};

/* NULL: nameless. Of an IPv6 address only the first 64 bits count, as whoever has one of them has
 * them all. */
unsigned asker_of(const struct hash_key *key, const struct p0f_addr *addr);

#endif
