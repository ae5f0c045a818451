/* SPDX-License-Identifier: MIT */
#include "net/peer.h"

#include <netinet/in.h>
#include <string.h>

bool peer_addr(const struct sockaddr *name, struct p0f_addr *addr)
{
    *addr = (struct p0f_addr){0};
    if (name && name->sa_family == AF_INET) {
        addr->type = 4;
        memcpy(addr->bytes, &((const struct sockaddr_in *)name)->sin_addr, 4);
        return true;
    }
    if (!name || name->sa_family != AF_INET6)
        return false;
    const struct in6_addr *v6 = &((const struct sockaddr_in6 *)name)->sin6_addr;
    if (IN6_IS_ADDR_V4MAPPED(v6)) {
        addr->type = 4;
        memcpy(addr->bytes, v6->s6_addr + 12, 4);
    } else {
        addr->type = 6;
        memcpy(addr->bytes, v6, 16);
    }
    return true;
}
