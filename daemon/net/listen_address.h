/* SPDX-License-Identifier: MIT */
/* One address to listen on, as written in the settings. Pure. */
#ifndef NET_LISTEN_ADDRESS_H
#define NET_LISTEN_ADDRESS_H

#include "core/span.h"

#include <stdbool.h>

struct listen_address {
    bool is_unix;
    char host[256]; /* or the path; without brackets */
    char port[6];
};

#define LISTEN_ADDRESS_EXPECTED "comma-separated host:port, [IPv6]:port or unix:/path"
#define LISTEN_ADDRESS_ERROR_SIZE 128

/* Reads "host:port" (port 0 to 65535), "[IPv6]:port" or "unix:/absolute/path", one item of the list.
 * False when it is none of these; `error` then says what is wrong with it. A host is an address or a
 * name that a resolver could know. */
bool listen_address_parse(struct span text, struct listen_address *address,
                          char error[LISTEN_ADDRESS_ERROR_SIZE]);

#endif
