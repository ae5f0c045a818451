/* SPDX-License-Identifier: MIT */
#include "share/node_address.h"

static bool may_be_in_host(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '.' || byte == '-' || byte == '_' || byte == ':';
}

bool node_address_set(struct node_address *address, struct span host, uint64_t port)
{
    if (host.length >= 2 && host.at[0] == '[' && host.at[host.length - 1] == ']')
        host = (struct span){host.at + 1, host.length - 2};
    if (host.length >= sizeof address->host || port < 1 || port > UINT16_MAX)
        return false;
    for (size_t i = 0; i < host.length; i++)
        if (!may_be_in_host(host.at[i]))
            return false;
    if (host.length > 0)
        memcpy(address->host, host.at, host.length);
    address->host[host.length] = '\0';
    address->port = (uint16_t)port;
    return true;
}
