/* SPDX-License-Identifier: MIT */
/* The HTTP side: workers (worker.h) that answer requests. The only user of libmicrohttpd.
 *
 * What the cache can answer is answered in the worker's thread. Any other request is suspended, handed
 * to the lookup, and resumed when that is done. Batches share their worker's time by turns. */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include "http/connections.h"
#include "lookup/lookup.h"
#include "net/client_header.h"
#include "net/networks.h"
#include "net/origins.h"
#include "net/server_names.h"
#include "net/tokens.h"
#include "ops/readiness.h"
#include "ops/status.h"
#include "tls/current.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct http_server;

struct http_server_options {
    struct lookup *lookup; /* borrowed until http_server_stop(), as are the next three */
    struct readiness *readiness;
    struct status *status;
    struct connections *connections; /* with options.max = max_connections */
    unsigned threads;
    uint32_t max_connections;
    uint32_t max_batch;    /* hosts in one POST /hosts */
    uint32_t batch_window; /* of those, looked up at once: see struct batch_terms */
    int64_t idle_timeout_ms;
    struct client_header client_header; /* its name is borrowed */
    bool proxy_protocol;                /* peers may be the clients of proxies */
    struct tls_current *certificate;    /* borrowed; NULL: no TLS */
    const struct networks *trusted;     /* proxies; borrowed, as are the next two */
    const struct origins *cors;
    const struct server_names *names;
    struct tokens *tokens; /* that requests need; NULL: none. Referenced */
    /* Takes over the socket of a client that has been answered and is still sending: closing it at once
     * could destroy the answer. `peer` is as it was taken, and valid during the call. Any thread. */
    void (*linger)(void *ctx, int fd, const struct sockaddr *peer);
    void *linger_ctx;
    bool access_log;
    const char *version; /* static */
};

/* Starts the workers; connections come by http_server_take(). NULL with errno when one of them cannot
 * be started. */
struct http_server *http_server_start(const struct http_server_options *options);

/* Takes over a connected socket; `tls` only with options.certificate. False: there is no room for it (see
 * connections_admit()), and it has been closed. In the loop's thread. */
bool http_server_take(struct http_server *http, int fd, const struct sockaddr *peer,
                      socklen_t length, bool tls);

/* Puts other tokens in force, for all requests from now on; takes references. There must have been tokens
 * at the start. Any thread. */
void http_server_replace_tokens(struct http_server *http, struct tokens *tokens);

/* From now on, each answer closes its connection. Any thread. */
void http_server_shut_down(struct http_server *http);

/* Also closes idle connections, soon. May be called again, for those that have become idle. In the loop's
 * thread. */
void http_server_close_idle(struct http_server *http);

/* Whether the lookups' loop is needed even if no lookup is pending: to be told of clients that have
 * gone. Any thread. */
bool http_server_needs_loop(const struct http_server *http);

/* Whether every worker has done something since it was last asked this, and is not stuck. Any thread, one at
 * a time. */
bool http_server_beat(struct http_server *http);

/* Closes all connections, ends the threads and frees the server. No lookup may be pending. No-op on NULL. */
void http_server_stop(struct http_server *http);

#endif
