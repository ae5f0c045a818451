/* SPDX-License-Identifier: MIT */
/* Resolves an address to listen on. */
#ifndef NET_LISTEN_RESOLVE_H
#define NET_LISTEN_RESOLVE_H

#include "net/listen_address.h"

#include <netdb.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#define LISTEN_RESOLVE_TEXT_SIZE (sizeof(((struct listen_address *)0)->host) + 10)

/* Writes "host:port" or "[IPv6]:port". */
void listen_resolve_text(const struct listen_address *address, char text[LISTEN_RESOLVE_TEXT_SIZE]);

/* The addresses of a host, which is not a unix socket, in *found, for freeaddrinfo(); with `literals_only`, none
 * for a name, without asking a resolver. False with a message in `error`; errno is EAGAIN, as it may be
 * resolved later (at boot, an unknown name and a name server that is down look alike), or ENOMEM. */
bool listen_resolve(const struct listen_address *address, bool literals_only,
                    struct addrinfo **found, char *error, size_t size);

/* Whether only this host can connect to the address: also that of a unix socket. */
bool listen_resolve_is_loopback(const struct sockaddr *name);

#endif
