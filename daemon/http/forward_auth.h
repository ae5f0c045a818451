/* SPDX-License-Identifier: MIT */
/* /forward-auth: what p0f knows about the client, in header fields that a web server passes on to its
 * site. The status is always 204: a site must not turn visitors away because we do not know them.
 * Private to the HTTP side. */
#ifndef HTTP_FORWARD_AUTH_H
#define HTTP_FORWARD_AUTH_H

#include "http/route.h"
#include "p0fclient.h"

#include <stddef.h>

enum forward_status {
    FORWARD_OK,
    FORWARD_NO_MATCH, /* p0f does not know the host */
    FORWARD_ERROR,    /* any failure */
};

/* Name and flavor of 32 bytes each with a space between. Each byte may be Latin-1, which takes two bytes
 * of UTF-8, each of them percent-encoded. */
#define FORWARD_VALUE_SIZE ((2 * 32 + 1) * 2 * 3 + 1)
#define FORWARD_AUTH_FIELDS_MAX 12

struct forward_header {
    const char *name; /* static */
    char value[FORWARD_VALUE_SIZE];
};

struct forward_auth {
    size_t count;
    struct forward_header fields[FORWARD_AUTH_FIELDS_MAX];
};

/* Fills *headers: X-P0F-Status, and with FORWARD_OK what is known about `host` (otherwise it may be NULL).
 *
 * Values are printable ASCII with the same text as in JSON: each byte of its UTF-8 that is not printable
 * ASCII, each '%', and a space at either end (which HTTP strips) is percent-encoded. So decoding returns
 * the text, and no text from p0f can break out of its field. Pure. */
void forward_auth(enum forward_status status, const struct p0f_host *host,
                  struct forward_auth *headers);

route_handler serve_forward_auth;

#endif
