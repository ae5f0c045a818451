/* SPDX-License-Identifier: MIT */
#include "p0f/flow.h"

#include <string.h>

struct flow flow_numbered(unsigned number)
{
    return (struct flow){.numbers = {(uint16_t)number}, .widths = 1};
}

static unsigned number_of(const struct hash_key *key, const void *client, size_t size)
{
    uint64_t hash = hash_sip(key, client, size);

    return FLOW_STRANGERS + (unsigned)(hash % (FLOWS - FLOW_STRANGERS));
}

struct flow flow_of(const struct hash_key *key, const struct p0f_addr *addr)
{
    static const uint8_t bytes[FLOW_WIDTHS] = {[FLOW_64] = 8, [FLOW_56] = 7, [FLOW_48] = 6};

    if (!addr)
        return flow_numbered(FLOW_NAMELESS);
    if (addr->type != 6)
        return flow_numbered(number_of(key, addr, sizeof *addr));
    struct flow flow = {.widths = FLOW_WIDTHS};
    for (unsigned width = 0; width < FLOW_WIDTHS; width++) {
        struct p0f_addr network = *addr;
        memset(network.bytes + bytes[width], 0, sizeof network.bytes - bytes[width]);
        network.bytes[15] = bytes[width]; /* tells it from the first longer prefix within it */
        flow.numbers[width] = (uint16_t)number_of(key, &network, sizeof network);
    }
    return flow;
}

struct flow flow_of_process(const struct hash_key *key, pid_t pid)
{
    return flow_numbered(pid == 0 ? FLOW_NAMELESS : number_of(key, &pid, sizeof pid));
}
