/* SPDX-License-Identifier: MIT */
#include "share/redirect.h"

#include "core/number.h"
#include "share/slots.h"

/* Splits at the last colon: others belong to an IPv6 address. */
static bool read_node_address(struct span text, struct node_address *address)
{
    size_t host = text.length;
    uint64_t port;

    while (host > 0 && text.at[host - 1] != ':')
        host--;
    return host > 0 && number_parse(span_from(text, host), UINT16_MAX, &port) &&
           node_address_set(address, (struct span){text.at, host - 1}, port);
}

bool redirect_parse(struct span error, struct redirect *redirect)
{
    bool moved = span_skip(&error, "MOVED ");
    uint64_t slot;

    if (!moved && !span_skip(&error, "ASK "))
        return false;
    redirect->asking = !moved;
    struct span digits = span_split(&error, ' ');
    return number_parse(digits, SLOTS - 1, &slot) && read_node_address(error, &redirect->address);
}
