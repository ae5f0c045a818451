/* SPDX-License-Identifier: MIT */
/* The header field in which trusted proxies name the client (http.client_header). Pure. */
#ifndef NET_CLIENT_HEADER_H
#define NET_CLIENT_HEADER_H

#include "core/span.h"

enum client_header_kind {
    CLIENT_HEADER_X_FORWARDED_FOR, /* a list of addresses */
    CLIENT_HEADER_FORWARDED,       /* a list of elements (RFC 7239) */
    CLIENT_HEADER_ADDRESS,         /* any other: one address */
};

struct client_header {
    enum client_header_kind kind;
    struct span name; /* NUL-terminated */
};

#define CLIENT_HEADER_ERROR_SIZE 160
#define CLIENT_HEADER_EXPECTED                                                                     \
    "X-Forwarded-For, Forwarded or the name of a field with one address, such as X-Real-IP"

/* Reads a field name, in any case; *header borrows `text`. False, with the reason in `error`, when the name is
 * invalid or that of a field which never holds the address of a client. */
bool client_header_parse(const char *text, struct client_header *header,
                         char error[CLIENT_HEADER_ERROR_SIZE]);

#endif
