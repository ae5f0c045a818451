/* SPDX-License-Identifier: MIT */
/* All listening sockets of the daemon, and which module gets a new connection. */
#ifndef SERVER_LISTENERS_H
#define SERVER_LISTENERS_H

#include "config/config.h"
#include "core/loop.h"
#include "modules.h"
#include "net/listener.h"

#include <stdbool.h>

/* The members are its own; zeroed before server_listeners_open(). */
struct server_listeners {
    struct loop *loop;
    struct modules *modules;
    const struct config *config;
    const struct inherited_sockets *inherited;
    struct listeners *http;
    struct listeners *tls;                           /* NULL: no TLS */
    struct listeners *relay;                         /* NULL: no relay */
    struct mono http_full_logged, relay_full_logged; /* not again before */
};

/* Binds all addresses of the settings, or takes over those of `inherited`, which may be NULL. False with
 * errno after logging why: EINVAL if only an edit helps. Borrows both until server_listeners_free(), which
 * is needed even then. */
bool server_listeners_open(struct server_listeners *listeners, const struct config *config,
                           const struct inherited_sockets *inherited)
    __attribute__((warn_unused_result));

/* Starts accepting. False after logging why. Borrows both until server_listeners_free(). */
bool server_listeners_start(struct server_listeners *listeners, struct loop *loop,
                            struct modules *modules) __attribute__((warn_unused_result));

/* Hands a connection to the HTTP server, be it accepted or passed by the PROXY gate. Takes ownership of
 * `fd`. In the loop's thread. */
void server_listeners_serve(struct server_listeners *listeners, int fd, const struct sockaddr *peer,
                            socklen_t length, bool tls);

/* Lets no client start to connect; those that have started are still accepted. In the loop's thread. */
void server_listeners_seal(struct server_listeners *listeners);

/* Accepts those that are waiting, and closes the sockets. No-op when they are closed. In the loop's thread. */
void server_listeners_stop(struct server_listeners *listeners);

/* No-op on a zeroed struct. */
void server_listeners_free(struct server_listeners *listeners);

#endif
