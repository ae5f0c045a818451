/* SPDX-License-Identifier: MIT */
#include "fake_store.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* ---- The server */

static int listen_on(const void *address, socklen_t length, int family)
{
    const int on = 1;
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, address, length) == 0 && listen(fd, FAKE_STORE_CLIENTS) == 0)
        return fd;
    close(fd);
    return -1;
}

bool fake_store_start(struct fake_store *store)
{
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    struct sockaddr_in remote = {.sin_family = AF_INET,
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                 .sin_port = htons(store->port)};
    socklen_t length = sizeof remote;

    snprintf(local.sun_path, sizeof local.sun_path, "%s", store->path);
    unlink(store->path);
    store->unix_listener = listen_on(&local, sizeof local, AF_UNIX);
    store->tcp_listener = listen_on(&remote, sizeof remote, AF_INET);
    if (store->unix_listener < 0 || store->tcp_listener < 0)
        return false;
    if (getsockname(store->tcp_listener, (struct sockaddr *)&remote, &length) != 0)
        return false;
    store->port = ntohs(remote.sin_port);
    return true;
}

bool fake_store_open(struct fake_store *store)
{
    *store = (struct fake_store){.dir = "/tmp/fake-store-XXXXXX"};
    store->unix_listener = store->tcp_listener = -1;
    for (unsigned i = 0; i < FAKE_STORE_CLIENTS; i++)
        store->clients[i].fd = -1;
    if (!mkdtemp(store->dir))
        return false;
    snprintf(store->path, sizeof store->path, "%s/store.sock", store->dir);
    return fake_store_start(store);
}

void fake_store_stop(struct fake_store *store)
{
    for (unsigned i = 0; i < FAKE_STORE_CLIENTS; i++)
        if (store->clients[i].fd >= 0)
            fake_store_hang_up(&store->clients[i]);
    if (store->unix_listener >= 0)
        close(store->unix_listener);
    if (store->tcp_listener >= 0)
        close(store->tcp_listener);
    store->unix_listener = store->tcp_listener = -1;
    unlink(store->path);
}

void fake_store_close(struct fake_store *store)
{
    fake_store_stop(store);
    rmdir(store->dir);
}

/* ---- Connections */

struct fake_store_client *fake_store_accept(struct fake_store *store)
{
    const int listeners[] = {store->unix_listener, store->tcp_listener}, on = 1;
    struct fake_store_client *client = store->clients;

    while (client < store->clients + FAKE_STORE_CLIENTS && client->fd >= 0)
        client++;
    if (client == store->clients + FAKE_STORE_CLIENTS)
        return NULL;
    for (unsigned i = 0; i < 2; i++) {
        int fd = accept4(listeners[i], NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0)
            continue;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        *client = (struct fake_store_client){.fd = fd};
        store->accepted++;
        return client;
    }
    return NULL;
}

static void make_space(char **bytes, size_t *size, size_t needed)
{
    if (needed <= *size)
        return;
    *size = needed * 2;
    *bytes = realloc(*bytes, *size);
    if (!*bytes)
        abort();
}

static void forget_taken(struct fake_store_client *client)
{
    client->in_length -= client->taken;
    memmove(client->in, client->in + client->taken, client->in_length);
    client->taken = 0;
}

enum fake_store_read fake_store_read(struct fake_store_client *client)
{
    enum fake_store_read got = FAKE_STORE_IDLE;

    if (client->taken > 0)
        forget_taken(client);
    for (;;) {
        make_space(&client->in, &client->in_size, client->in_length + 65536);
        ssize_t count = recv(client->fd, client->in + client->in_length, 65536, 0);
        if (count == 0 || (count < 0 && errno != EAGAIN))
            return FAKE_STORE_CLOSED;
        if (count < 0)
            return got;
        got = FAKE_STORE_GOT;
        client->in_length += (size_t)count;
    }
}

/* Reads "*12\r\n" at *at. False: it is not all there yet. */
static bool next_number(const struct fake_store_client *client, size_t *at, char type,
                        size_t *number)
{
    const char *end = memchr(client->in + *at, '\n', client->in_length - *at);

    if (!end)
        return false;
    if (client->in[*at] != type)
        abort();
    *number = strtoul(client->in + *at + 1, NULL, 10);
    *at = (size_t)(end - client->in) + 1;
    return true;
}

bool fake_store_next(struct fake_store_client *client, struct fake_store_command *command)
{
    size_t at = 0, argc, length;

    if (client->taken > 0)
        forget_taken(client);
    if (client->in_length == 0 || !next_number(client, &at, '*', &argc))
        return false;
    if (argc == 0 || argc > FAKE_STORE_ARGS)
        abort();
    command->argc = (unsigned)argc;
    for (unsigned i = 0; i < argc; i++) {
        if (at == client->in_length || !next_number(client, &at, '$', &length) ||
            client->in_length - at < length + 2)
            return false;
        command->args[i] = (struct fake_store_arg){client->in + at, length};
        at += length + 2;
    }
    client->taken = at;
    client->commands++;
    return true;
}

void fake_store_hang_up(struct fake_store_client *client)
{
    close(client->fd);
    free(client->in);
    free(client->out);
    *client = (struct fake_store_client){.fd = -1};
}

/* ---- Commands and replies */

bool fake_store_is(const struct fake_store_command *command, unsigned index, const char *text)
{
    return index < command->argc && command->args[index].length == strlen(text) &&
           strncasecmp(command->args[index].at, text, strlen(text)) == 0;
}

void fake_store_put_bytes(struct fake_store_client *client, const void *bytes, size_t length)
{
    make_space(&client->out, &client->out_size, client->out_length + length);
    if (length > 0)
        memcpy(client->out + client->out_length, bytes, length);
    client->out_length += length;
}

void fake_store_put(struct fake_store_client *client, const char *format, ...)
{
    char text[4096];
    va_list values;

    va_start(values, format);
    int length = vsnprintf(text, sizeof text, format, values);
    va_end(values);
    if (length < 0 || (size_t)length >= sizeof text)
        abort();
    fake_store_put_bytes(client, text, (size_t)length);
}

void fake_store_put_bulk(struct fake_store_client *client, const void *bytes, size_t length)
{
    fake_store_put(client, "$%zu\r\n", length);
    fake_store_put_bytes(client, bytes, length);
    fake_store_put_bytes(client, "\r\n", 2);
}

bool fake_store_greet(struct fake_store_client *client, const struct fake_store_command *command)
{
    if (fake_store_is(command, 0, "PING"))
        fake_store_put(client, "+PONG\r\n");
    else if (fake_store_is(command, 0, "AUTH") || fake_store_is(command, 0, "SELECT") ||
             fake_store_is(command, 0, "ASKING"))
        fake_store_put(client, "+OK\r\n");
    else
        return false;
    return true;
}

size_t fake_store_write(struct fake_store_client *client, size_t max)
{
    size_t length = client->out_length < max ? client->out_length : max;
    ssize_t sent = length > 0 ? send(client->fd, client->out, length, MSG_NOSIGNAL) : 0;

    if (sent <= 0)
        return 0;
    client->out_length -= (size_t)sent;
    memmove(client->out, client->out + sent, client->out_length);
    return (size_t)sent;
}
