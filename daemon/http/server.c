/* SPDX-License-Identifier: MIT */
#include "http/server.h"

#include "http/access.h"
#include "http/clients.h"
#include "http/dispatch.h"
#include "http/reading.h"
#include "http/request_timeout.h"
#include "http/routes.h"
#include "http/tls_handshake.h"
#include "http/workarounds.h"
#include "http/worker.h"
#include "tls/session.h"
#include "json/batch_body.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* libmicrohttpd's memory for one request, zeroed after each. It holds cookies twice: as received, and
 * parsed. */
#define POOL_BYTES (24 * 1024)

/* Memory for all batches being read, looked up and answered: some 600 of 1,000 hosts each. */
#define BATCH_BYTES_MAX ((size_t)64 * 1024 * 1024)

/* A worker and what belongs to it. */
struct station {
    struct http_server *http;
    struct http_worker *worker;
    struct response_cache *response_cache;
    struct worker_tokens tokens;
};

struct http_server {
    struct http_service service;
    unsigned count;
    struct station stations[];
};

/* ---- Connections */

/* The library has read from one. False: too late. */
static bool on_read(int fd, bool filled)
{
    struct client *client = clients_find(fd);

    if (client && filled)
        note_filled(client);
    return !client || request_timeout_read(client);
}

static void begin_tls(struct client *client)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(client->connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    struct tls_current *certificate = client->service->certificate;

    if (!info || !info->tls_session)
        return;
    client->tls =
        tls_session_new(info->tls_session, client->entry.fd, tls_current_get(certificate));
    tls_session_watch_reads(reading_note);
}

static void *client_arrives(void *ctx, struct http_worker *worker,
                            struct MHD_Connection *connection)
{
    struct station *station = ctx;
    struct http_server *http = station->http;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct client *client = info ? calloc(1, sizeof *client) : NULL;

    if (!client)
        return NULL;
    client->service = &http->service;
    client->worker = worker;
    client->response_cache = station->response_cache;
    client->tokens = &station->tokens;
    client->local = station->tokens.tokens && access_is_local(info->connect_fd);
    client->connection = connection;
    client->request.client = client;
    connections_enter(http->service.connections, &client->entry, info->connect_fd);
    clients_enter(client);
    reading_watch(on_read);
    begin_tls(client);
    return client;
}

static void client_begins(void *socket_context)
{
    struct client *client = socket_context;

    if (client && client->tls)
        tls_handshake_begin(client);
}

static void client_leaves(void *ctx, struct MHD_Connection *connection, void *socket_context)
{
    const struct station *station = ctx;
    struct http_server *http = station->http;
    struct client *client = socket_context;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);

    if (client) {
        request_end(&client->request);
        clients_leave(client);
        connections_leave(http->service.connections, &client->entry);
        tls_session_free(client->tls); /* the library has ended it */
    } else {
        connections_forget(http->service.connections, info ? info->connect_fd : -1);
    }
    free(client);
}

static void client_is_lost(void *ctx, int fd)
{
    const struct station *station = ctx;

    connections_forget(station->http->service.connections, fd);
}

static struct http_worker *least_busy(const struct http_server *http)
{
    struct http_worker *best = http->stations[0].worker;

    for (unsigned i = 1; i < http->count; i++)
        if (http_worker_connections(http->stations[i].worker) < http_worker_connections(best))
            best = http->stations[i].worker;
    return best;
}

bool http_server_take(struct http_server *http, int fd, const struct sockaddr *peer,
                      socklen_t length, bool tls)
{
    if (!connections_admit(http->service.connections, fd, peer)) {
        close(fd);
        return false;
    }
    http_worker_take(least_busy(http), fd, peer, length, tls);
    return true;
}

void http_server_replace_tokens(struct http_server *http, struct tokens *tokens)
{
    for (unsigned i = 0; i < http->count; i++)
        worker_tokens_replace(&http->stations[i].tokens, tokens);
}

static void tick_workers(void *ctx)
{
    struct http_server *http = ctx;

    for (unsigned i = 0; i < http->count; i++)
        http_worker_tick(http->stations[i].worker);
}

bool http_server_beat(struct http_server *http)
{
    bool alive = true;

    for (unsigned i = 0; i < http->count; i++)
        alive &= http_worker_beat(http->stations[i].worker);
    return alive;
}

void http_server_shut_down(struct http_server *http)
{
    http->service.shutting_down = true;
}

void http_server_close_idle(struct http_server *http)
{
    http->service.closing_idle = true;
    tick_workers(http);
}

bool http_server_needs_loop(const struct http_server *http)
{
    return http->service.leaving > 0;
}

/* ---- Start and stop */

/* More than connections.c ever admits, even while it admits some before others have left. */
static unsigned limit_never_reached(const struct http_server_options *options)
{
    return 2 * (options->max_connections + 1);
}

/* Never called, but the library insists on a certificate. Each session gets its own in tls_session_new(). */
static int give_no_certificate(void)
{
    return -1;
}

static bool start_workers(struct http_server *http, const struct http_server_options *options)
{
    struct MHD_OptionItem items[] = {
        {MHD_OPTION_EXTERNAL_LOGGER, (intptr_t)replace_on_log, NULL}, /* must be the first */
        {MHD_OPTION_CONNECTION_LIMIT, (intptr_t)limit_never_reached(options), NULL},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, POOL_BYTES, NULL},
        {MHD_OPTION_CONNECTION_TIMEOUT, (intptr_t)http->service.library_timeout, NULL},
        {MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)http_on_target, NULL},
        {MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)http_on_completed, NULL},
        {MHD_OPTION_END, 0, NULL},
    };
    struct MHD_OptionItem tls_items[] = {
        {MHD_OPTION_ARRAY, 0, items},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)TLS_PRIORITIES},
        {MHD_OPTION_HTTPS_CERT_CALLBACK, 0, (void *)(uintptr_t)give_no_certificate},
        {MHD_OPTION_END, 0, NULL},
    };
    struct http_worker_options worker = {.library = items,
                                         .tls_library = options->certificate ? tls_items : NULL,
                                         .handler = http_on_request,
                                         .arrived = client_arrives,
                                         .begun = client_begins,
                                         .left = client_leaves,
                                         .lost = client_is_lost,
                                         .ran = refuse_stuck,
                                         .tick = request_timeout_sweep,
                                         .stopping = tls_handshake_end_all,
                                         .clock = clock_mono};

    for (; http->count < options->threads; http->count++) {
        struct station *station = &http->stations[http->count];
        worker.ctx = station;
        station->http = http;
        worker_tokens_begin(&station->tokens, options->tokens);
        station->response_cache = response_cache_new();
        station->worker = station->response_cache ? http_worker_start(&worker) : NULL;
        if (!station->worker) {
            worker_tokens_end(&station->tokens);
            response_cache_free(station->response_cache);
            return false;
        }
    }
    return true;
}

struct http_server *http_server_start(const struct http_server_options *options)
{
    struct http_server *http = calloc(1, sizeof *http + options->threads * sizeof(struct station));

    if (!http)
        return NULL;
    http->service.routes = &routes;
    http->service.lookup = options->lookup;
    http->service.readiness = options->readiness;
    http->service.status = options->status;
    http->service.client_header = options->client_header;
    http->service.trusted = options->trusted;
    http->service.proxy_protocol = options->proxy_protocol;
    http->service.cors = options->cors;
    http->service.names = options->names;
    http->service.connections = options->connections;
    http->service.certificate = options->certificate;
    http->service.idle_timeout = (unsigned)((options->idle_timeout_ms + 999) / 1000);
    http->service.library_timeout = http->service.idle_timeout + REQUEST_TIMEOUT_LATER_S;
    http->service.max_batch = options->max_batch;
    http->service.batch_window = options->batch_window;
    http->service.batch_bytes = batch_body_limit(options->max_batch);
    http->service.linger = options->linger;
    http->service.linger_ctx = options->linger_ctx;
    http->service.access_log = options->access_log;
    http->service.version = options->version;
    http->service.batch_memory = budget_new(BATCH_BYTES_MAX);
    if (!http->service.batch_memory || !start_workers(http, options)) {
        int cause = errno;
        http_server_stop(http);
        errno = cause;
        return NULL;
    }
    connections_on_sweep(options->connections, tick_workers, http);
    return http;
}

void http_server_stop(struct http_server *http)
{
    if (!http)
        return;
    connections_on_sweep(http->service.connections, NULL, NULL);
    for (unsigned i = 0; i < http->count; i++) {
        http_worker_stop(http->stations[i].worker);
        response_cache_free(http->stations[i].response_cache);
        worker_tokens_end(&http->stations[i].tokens);
    }
    budget_free(http->service.batch_memory);
    free(http);
}
