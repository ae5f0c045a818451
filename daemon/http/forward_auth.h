/* SPDX-License-Identifier: MIT */
/* /forward-auth: what p0f knows about the client, in header fields that a web server passes on to its
 * site. The status is always 200: a site must not turn visitors away because we do not know them. (Envoy
 * takes nothing else for a yes.) Private to the HTTP side. */
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

/* Fills *headers with all fields, in a fixed order: X-P0F-Status, and with FORWARD_OK what is known about
 * `host` (otherwise it may be NULL). What is unknown is empty, not left out: a proxy that copies the fields
 * must overwrite whatever a visitor has sent under their names.
 *
 * Values are printable ASCII with the same text as in JSON: each byte of its UTF-8 that is not printable
 * ASCII, each '%', and a space at the front is percent-encoded, and spaces at the end are dropped (HTTP
 * would strip either). So no text from p0f can break out of its field. Pure. */
void forward_auth(enum forward_status status, const struct p0f_host *host,
                  struct forward_auth *headers);

route_handler serve_forward_auth;

#endif
