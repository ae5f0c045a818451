/* SPDX-License-Identifier: MIT */
/* /forward-auth: what is known of the client as header fields, for a web server to pass on to its site.
 * Whatever comes of it, it is a 204: a site must not turn visitors away because we do not know them.
 * Private to the HTTP side. */
#ifndef HTTP_FORWARD_AUTH_H
#define HTTP_FORWARD_AUTH_H

#include "http/route.h"
#include "p0fclient.h"

#include <stddef.h>

enum forward_status {
    FORWARD_OK,
    FORWARD_NO_MATCH, /* p0f does not know the host */
    FORWARD_ERROR,    /* whatever kept us from knowing */
};

/* Name and flavor of 32 bytes with a space between, each byte perhaps Latin-1 that is two of UTF-8,
 * and those percent-encoded. */
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

/* Fills *headers: X-P0F-Status, and with FORWARD_OK what is known of `host` (else it may be NULL).
 *
 * Texts are printable ASCII and mean the same as in JSON: each byte of their UTF-8 that is not, each
 * '%', and a space at either end (where HTTP drops it) is percent-encoded. So to decode is to get
 * the text back, and no text of p0f's can break out of its field. Pure. */
void forward_auth(enum forward_status status, const struct p0f_host *host,
                  struct forward_auth *headers);

route_handler serve_forward_auth;

#endif
