#include "http.h"

#include "http_request.h"

#include <pthread.h>
#include <stdlib.h>

#define POOL_BYTES (16 * 1024) /* libmicrohttpd's memory for one request, zeroed after each */

struct http {
    struct MHD_Daemon *daemon;
    struct http_service service;
    pthread_mutex_t clients_lock; /* taken when a connection comes or goes, not for a request */
    struct client *clients;
};

/* ---- Connections */

static void client_arrives(struct http *http, struct MHD_Connection *connection, void **place)
{
    struct client *client = calloc(1, sizeof *client);

    *place = client;
    if (!client)
        return;
    client->service = &http->service;
    client->connection = connection;
    pthread_mutex_lock(&http->clients_lock);
    client->next = http->clients;
    if (client->next)
        client->next->prev = client;
    http->clients = client;
    atomic_fetch_add(&http->service.connections, 1);
    pthread_mutex_unlock(&http->clients_lock);
}

static void client_leaves(struct http *http, struct client *client)
{
    if (!client)
        return;
    pthread_mutex_lock(&http->clients_lock);
    if (client->prev)
        client->prev->next = client->next;
    else
        http->clients = client->next;
    if (client->next)
        client->next->prev = client->prev;
    atomic_fetch_sub(&http->service.connections, 1);
    pthread_mutex_unlock(&http->clients_lock);
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
    return MHD_add_connection(http->daemon, fd, peer, length) == MHD_YES;
}

bool http_busy(struct http *http)
{
    bool busy = false;

    pthread_mutex_lock(&http->clients_lock);
    for (struct client *client = http->clients; client && !busy; client = client->next)
        busy = atomic_load_explicit(&client->busy, memory_order_relaxed);
    pthread_mutex_unlock(&http->clients_lock);
    return busy;
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

static struct MHD_Daemon *start_library(struct http *http, const struct http_options *options)
{
    struct MHD_OptionItem items[] = {
        {MHD_OPTION_EXTERNAL_LOGGER, (intptr_t)on_library_log, NULL}, /* must be the first */
        {MHD_OPTION_CONNECTION_LIMIT, (intptr_t)options->max_connections, NULL},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, POOL_BYTES, NULL},
        {MHD_OPTION_CONNECTION_TIMEOUT, (intptr_t)((options->idle_timeout_ms + 999) / 1000), NULL},
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
    pthread_mutex_init(&http->clients_lock, NULL);
    http->service.lookup = options->lookup;
    http->service.readiness = options->readiness;
    http->service.status = options->status;
    http->service.trusted = options->trusted;
    http->service.cors = options->cors;
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
    pthread_mutex_destroy(&http->clients_lock);
    free(http);
}
