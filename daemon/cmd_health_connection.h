/* SPDX-License-Identifier: MIT */
/* The connection of "p0f-lookupd health": blocking, up to a deadline. Only one thread. */
#ifndef CMD_HEALTH_CONNECTION_H
#define CMD_HEALTH_CONNECTION_H

#include "core/clock.h"
#include "net/listen_address.h"

#include <gnutls/gnutls.h>
#include <stdbool.h>
#include <stddef.h>

#define HEALTH_ERROR_SIZE 160

struct health_connection {
    int fd;
    gnutls_session_t tls; /* NULL: in clear */
    gnutls_certificate_credentials_t credentials;
    struct mono deadline;          /* for all that follows, but for the resolution of a name */
    char error[HEALTH_ERROR_SIZE]; /* why the last call failed */
};

/* Connects. "Any address" as a destination is this host. False with `error`, and then there is nothing to
 * close. */
bool health_connection_open(struct health_connection *connection, const struct listen_address *to,
                            struct mono deadline);

/* Begins TLS; what follows is encrypted. The certificate is not verified: its name is rarely the one that is
 * asked, and what is asked for is whether somebody serves. False with `error`. */
bool health_connection_secure(struct health_connection *connection);

/* All of it. False with `error`. */
bool health_connection_send(struct health_connection *connection, const void *bytes, size_t size);

/* Receives up to the end, or as much as there is room for, and puts a NUL behind it; `size` is at least 1.
 * False with `error`. */
bool health_connection_receive(struct health_connection *connection, char *text, size_t size);

void health_connection_close(struct health_connection *connection);

#endif
