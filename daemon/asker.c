#include "asker.h"

#include <string.h>

unsigned asker_of(const struct hash_key *key, const struct p0f_addr *addr)
{
    if (!addr)
        return ASKER_NAMELESS;
    struct p0f_addr network = *addr;
    if (network.type == 6)
        memset(network.bytes + 8, 0, 8);
    uint64_t hash = hash_sip(key, &network, sizeof network);
    return ASKER_STRANGERS + (unsigned)(hash % (ASKERS - ASKER_STRANGERS));
}
