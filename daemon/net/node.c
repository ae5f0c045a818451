/* SPDX-License-Identifier: MIT */
#include "net/node.h"

#include "core/number.h"
#include "net/host_port.h"

#include <ctype.h>
#include <string.h>

static bool is_port_number(struct span text)
{
    uint64_t port;

    return text.length <= 5 && number_parse(text, 65535, &port);
}

static bool is_obfuscated_port(struct span text)
{
    if (text.length < 2 || text.at[0] != '_')
        return false;
    for (size_t i = 1; i < text.length; i++) {
        char byte = text.at[i];
        if (!isalnum((unsigned char)byte) && byte != '.' && byte != '_' && byte != '-')
            return false;
    }
    return true;
}

/* False when they do not match. */
static bool drop_brackets(struct span *host)
{
    if (!span_skip(host, "["))
        return true;
    if (host->length == 0 || host->at[host->length - 1] != ']')
        return false;
    host->length--;
    return host->length > 0 && host->at[0] != '[';
}

/* Only IPv6 addresses have zones: "fe80::1%eth0". */
static bool drop_zone(struct span *host)
{
    struct span zone = *host, addr = span_split(&zone, '%');
    bool any = zone.at != addr.at + addr.length;

    *host = addr;
    return !any || (zone.length > 0 && memchr(addr.at, ':', addr.length));
}

bool node_parse(struct span text, enum node_port ports, struct p0f_addr *addr)
{
    struct span host, port;

    host_port_split(text, &host, &port);
    if (port.at && !is_port_number(port) &&
        !(ports == NODE_PORT_OBFUSCATED && is_obfuscated_port(port)))
        return false;
    if (!drop_brackets(&host) || !drop_zone(&host))
        return false;
    return p0f_addr_parse(host.at, host.length, addr) == P0F_OK;
}
