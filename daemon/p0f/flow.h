/* Who asks, as small numbers by which what is scarce is shared out: places to wait in, turns with
 * p0f. Strangers are told apart by a keyed hash of their address, so two of them may have the same
 * number, but none can choose whose. Pure. */
#ifndef P0F_FLOW_H
#define P0F_FLOW_H

#include "core/hash.h"
#include "p0fclient.h"

enum {
    ASKER_DAEMON,   /* itself, to learn whether p0f answers */
    ASKER_REFRESH,  /* itself, for answers that get old */
    ASKER_NAMELESS, /* all who come without an address, over a unix socket */
    ASKER_STRANGERS,
    ASKERS = 1024, /* all numbers are below */
};

/* How much of an IPv6 address is taken for one client. Its first 64 bits always, as whoever has one
 * address of those has them all; but providers hand out 56 and 48 bits as well, and nobody can see
 * which. So a client has a number for each, and is judged by all of them (places.h). */
enum { ASKER_64, ASKER_56, ASKER_48, ASKER_WIDTHS };

struct flow {
    uint16_t numbers[ASKER_WIDTHS]; /* of the narrowest network first */
    uint16_t widths;                /* so many of them count: 1 but for IPv6 */
};

/* One who has this number and no address. */
struct flow asker_numbered(unsigned number);

/* NULL: nameless. */
struct flow asker_of(const struct hash_key *key, const struct p0f_addr *addr);

#endif
