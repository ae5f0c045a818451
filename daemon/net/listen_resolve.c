/* SPDX-License-Identifier: MIT */
#include "net/listen_resolve.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void listen_resolve_text(const struct listen_address *address, char text[LISTEN_RESOLVE_TEXT_SIZE])
{
    bool v6 = strchr(address->host, ':') != NULL;

    snprintf(text, LISTEN_RESOLVE_TEXT_SIZE, v6 ? "[%s]:%s" : "%s:%s", address->host,
             address->port);
}

bool listen_resolve(const struct listen_address *address, bool literals_only,
                    struct addrinfo **found, char *error, size_t size)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_PASSIVE | AI_NUMERICSERV |
                                               (literals_only ? AI_NUMERICHOST : 0)};
    char text[LISTEN_RESOLVE_TEXT_SIZE];

    *found = NULL;
    int problem = getaddrinfo(address->host, address->port, &hints, found);
    if (problem == 0 || literals_only)
        return true;
    const char *reason = problem == EAI_SYSTEM ? strerror(errno) : gai_strerror(problem);
    listen_resolve_text(address, text);
    snprintf(error, size, "%.80s: cannot resolve the host: %s; %s", text, reason,
             strchr(text, '%') ? "is there such an interface yet?"
                               : "is DNS up, and is the name known yet?");
    errno = problem == EAI_MEMORY ? ENOMEM : EAGAIN;
    return false;
}

bool listen_resolve_is_loopback(const struct sockaddr *name)
{
    switch (name->sa_family) {
    case AF_INET:
        return ntohl(((const struct sockaddr_in *)(const void *)name)->sin_addr.s_addr) >> 24 ==
               127;
    case AF_INET6:
        return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)(const void *)name)->sin6_addr);
    default:
        return true;
    }
}
