#include "p0f/flow.h"

#include <string.h>

struct flow asker_numbered(unsigned number)
{
    return (struct flow){.numbers = {(uint16_t)number}, .widths = 1};
}

static unsigned number_of(const struct hash_key *key, const struct p0f_addr *network)
{
    uint64_t hash = hash_sip(key, network, sizeof *network);

    return ASKER_STRANGERS + (unsigned)(hash % (ASKERS - ASKER_STRANGERS));
}

struct flow asker_of(const struct hash_key *key, const struct p0f_addr *addr)
{
    static const uint8_t bytes[ASKER_WIDTHS] = {[ASKER_64] = 8, [ASKER_56] = 7, [ASKER_48] = 6};

    if (!addr)
        return asker_numbered(ASKER_NAMELESS);
    if (addr->type != 6)
        return asker_numbered(number_of(key, addr));
    struct flow asker = {.widths = ASKER_WIDTHS};
    for (unsigned width = 0; width < ASKER_WIDTHS; width++) {
        struct p0f_addr network = *addr;
        memset(network.bytes + bytes[width], 0, sizeof network.bytes - bytes[width]);
        network.bytes[15] = bytes[width]; /* which tells it from the first narrower one in it */
        asker.numbers[width] = (uint16_t)number_of(key, &network);
    }
    return asker;
}
