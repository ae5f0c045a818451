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

socklen_t peer_name(const struct p0f_addr *addr, struct sockaddr_storage *name)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};

    *name = (struct sockaddr_storage){0};
    if (addr->type == 4) {
        memcpy(&v4.sin_addr, addr->bytes, sizeof v4.sin_addr);
        memcpy(name, &v4, sizeof v4);
        return sizeof v4;
    }
    memcpy(&v6.sin6_addr, addr->bytes, sizeof v6.sin6_addr);
    memcpy(name, &v6, sizeof v6);
    return sizeof v6;
}
