#include "http.h"

#include "batch_body.h"
#include "http_request.h"

#include <stdlib.h>
#include <unistd.h>

/* libmicrohttpd's memory for one request, zeroed after each. Cookies stand in it twice: as they came,
 * and taken apart. */
#define POOL_BYTES (24 * 1024)

struct http {
    struct MHD_Daemon *daemon;
    struct http_service service;
};

/* ---- Connections */

static void client_arrives(struct http *http, struct MHD_Connection *connection, void **place)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct client *client = info ? calloc(1, sizeof *client) : NULL;

    *place = client;
    if (!client)
        return;
    client->service = &http->service;
    client->connection = connection;
    connections_enter(http->service.connections, &client->entry, info->connect_fd);
}

static void client_leaves(struct http *http, struct client *client)
{
    connections_leave(http->service.connections, client ? &client->entry : NULL);
    free(client);
}

static void on_connection(void *ctx, struct MHD_Connection *connection, void **place,
                          enum MHD_ConnectionNotificationCode what)
{
    if (what == MHD_CONNECTION_NOTIFY_STARTED)
        client_arrives(ctx, connection, place);
    else
        client_leaves(ctx, *place);
}

bool http_take(struct http *http, int fd, const struct sockaddr *peer, socklen_t length)
{
    struct connections *connections = http->service.connections;

    if (!connections_admit(connections)) {
        close(fd);
        return false;
    }
    if (MHD_add_connection(http->daemon, fd, peer, length) != MHD_YES)
        connections_leave(connections, NULL);
    return true;
}

void http_wind_down(struct http *http)
{
    http->service.winding_down = true;
}

/* ---- Start and stop */

__attribute__((format(printf, 2, 0))) static void on_library_log(void *ctx, const char *format,
                                                                 va_list args)
{
    /* It logs each client that goes away or sends nonsense: nothing to act on. */
    (void)ctx, (void)format, (void)args;
}

/* Such that no thread of the library's ever reaches its part of it, even if connections.c should have
 * given up some that are still to come; see connections.h. */
static unsigned limit_never_reached(const struct http_options *options)
{
    return 2 * (options->max_connections + 1) * options->threads;
}

static struct MHD_Daemon *start_library(struct http *http, const struct http_options *options)
{
    struct MHD_OptionItem items[] = {
        {MHD_OPTION_EXTERNAL_LOGGER, (intptr_t)on_library_log, NULL}, /* must be the first */
        {MHD_OPTION_CONNECTION_LIMIT, (intptr_t)limit_never_reached(options), NULL},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, POOL_BYTES, NULL},
        {MHD_OPTION_CONNECTION_TIMEOUT, (intptr_t)http->service.idle_timeout, NULL},
        {MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)http_on_target, NULL},
        {MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)http_on_completed, NULL},
        {MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)on_connection, http},
        /* A pool of one is refused. */
        {options->threads > 1 ? MHD_OPTION_THREAD_POOL_SIZE : MHD_OPTION_END,
         (intptr_t)options->threads, NULL},
        {MHD_OPTION_END, 0, NULL},
    };

    return MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME |
                                MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ERROR_LOG,
                            0, NULL, NULL, http_on_request, NULL, MHD_OPTION_ARRAY, items,
                            MHD_OPTION_END);
}

struct http *http_start(const struct http_options *options)
{
    struct http *http = calloc(1, sizeof *http);

    if (!http)
        return NULL;
    http->service.lookup = options->lookup;
    http->service.readiness = options->readiness;
    http->service.status = options->status;
    http->service.trusted = options->trusted;
    http->service.cors = options->cors;
    http->service.connections = options->connections;
    http->service.idle_timeout = (unsigned)((options->idle_timeout_ms + 999) / 1000);
    http->service.max_batch = options->max_batch;
    http->service.batch_window = options->batch_window;
    http->service.batch_bytes = batch_body_limit(options->max_batch);
    http->service.linger = options->linger;
    http->service.linger_ctx = options->linger_ctx;
    http->service.access_log = options->access_log;
    http->service.version = options->version;
    http->service.recent = http_recent_new();
    if (http->service.recent)
        http->daemon = start_library(http, options);
    if (!http->daemon) {
        http_stop(http);
        return NULL;
    }
    return http;
}

void http_stop(struct http *http)
{
    if (!http)
        return;
    if (http->daemon)
        MHD_stop_daemon(http->daemon);
    http_recent_free(http->service.recent);
    free(http);
}
