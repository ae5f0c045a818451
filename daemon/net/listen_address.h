/* SPDX-License-Identifier: MIT */
/* One address to listen on, as the settings write it. Pure. */
#ifndef NET_LISTEN_ADDRESS_H
#define NET_LISTEN_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

struct listen_address {
    bool is_unix;
    char host[256]; /* or the path; without brackets */
    char port[6];
};

#define LISTEN_ADDRESS_EXPECTED                                                                    \
    "host:port, [v6]:port or unix:/path (of 107 bytes at most), comma separated"

/* Reads the first of a comma-separated list and moves *list behind it (to NULL after the last).
 * False when it is none of "host:port", "[v6]:port" (port 0 to 65535) and "unix:/absolute/path". */
bool listen_address_next(const char **list, struct listen_address *address);

#endif
