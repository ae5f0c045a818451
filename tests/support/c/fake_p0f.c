/* SPDX-License-Identifier: MIT */
#include "fake_p0f.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* ---- The socket */

bool fake_p0f_socket_open(struct fake_p0f_socket *made, const char *path)
{
    *made = (struct fake_p0f_socket){.listener = -1};
    if (path) {
        errno = ENAMETOOLONG;
        return snprintf(made->path, sizeof made->path, "%s", path) < (int)sizeof made->path;
    }
    strcpy(made->dir, "/tmp/fake-p0f-XXXXXX");
    if (!mkdtemp(made->dir))
        return false;
    strcat(strcpy(made->path, made->dir), "/p0f.sock");
    return true;
}

bool fake_p0f_socket_listen(struct fake_p0f_socket *made)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};

    memcpy(name.sun_path, made->path, sizeof name.sun_path);
    unlink(made->path);
    made->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    return bind(made->listener, (const struct sockaddr *)&name, sizeof name) == 0 &&
           listen(made->listener, FAKE_P0F_SLOTS_MAX) == 0;
}

void fake_p0f_socket_unlisten(struct fake_p0f_socket *made)
{
    if (made->listener < 0)
        return;
    close(made->listener);
    made->listener = -1;
    unlink(made->path);
}

void fake_p0f_socket_close(struct fake_p0f_socket *made)
{
    fake_p0f_socket_unlisten(made);
    if (made->dir[0])
        rmdir(made->dir);
}

/* ---- Connections */

static void free_slot(struct fake_p0f_client *client)
{
    client->fd = -1;
    client->count = client->answered = 0;
    client->length = client->out_length = client->out_sent = 0;
}

bool fake_p0f_open(struct fake_p0f *p0f, const char *path, unsigned slots)
{
    p0f->slots = slots;
    for (unsigned i = 0; i < slots; i++)
        free_slot(&p0f->clients[i]);
    return fake_p0f_socket_open(&p0f->socket, path);
}

void fake_p0f_stop(struct fake_p0f *p0f)
{
    for (unsigned i = 0; i < p0f->slots; i++)
        if (p0f->clients[i].fd >= 0)
            fake_p0f_hang_up(&p0f->clients[i]);
    fake_p0f_socket_unlisten(&p0f->socket);
}

void fake_p0f_close(struct fake_p0f *p0f)
{
    fake_p0f_stop(p0f);
    fake_p0f_socket_close(&p0f->socket);
}

unsigned fake_p0f_served(const struct fake_p0f *p0f)
{
    unsigned served = 0;

    for (unsigned i = 0; i < p0f->slots; i++)
        served += p0f->clients[i].fd >= 0;
    return served;
}

struct fake_p0f_client *fake_p0f_accept(struct fake_p0f *p0f, unsigned cap)
{
    struct fake_p0f_client *client = p0f->clients;

    errno = EAGAIN;
    if (p0f->socket.listener < 0 || fake_p0f_served(p0f) >= (cap < p0f->slots ? cap : p0f->slots))
        return NULL;
    while (client->fd >= 0)
        client++;
    client->fd = accept4(p0f->socket.listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    return client->fd >= 0 ? client : NULL;
}

enum fake_p0f_read fake_p0f_read(struct fake_p0f_client *client, unsigned ahead)
{
    uint8_t in[FAKE_P0F_QUERIES_MAX * P0F_QUERY_SIZE];

    if (client->count >= ahead)
        return FAKE_P0F_IDLE;
    memcpy(in, client->query, client->length);
    size_t room = (ahead - client->count) * P0F_QUERY_SIZE - client->length;
    ssize_t got = recv(client->fd, in + client->length, room, 0);
    if (got < 0)
        return errno == EAGAIN || errno == EINTR ? FAKE_P0F_IDLE : FAKE_P0F_FAILED;
    if (got == 0)
        return FAKE_P0F_CLOSED;
    size_t length = client->length + (size_t)got, at = 0;
    for (; length - at >= P0F_QUERY_SIZE; at += P0F_QUERY_SIZE) {
        struct p0f_addr *addr = &client->outstanding[client->count++];
        if (!p0f_query_unpack(in + at, addr))
            *addr = (struct p0f_addr){0};
    }
    client->length = length - at;
    memcpy(client->query, in + at, client->length);
    return FAKE_P0F_GOT;
}

uint8_t *fake_p0f_answer(struct fake_p0f_client *client, const struct p0f_answer *answer,
                         enum p0f_dialect dialect)
{
    uint8_t *packed = client->out + client->out_length;

    client->count--;
    memmove(client->outstanding, client->outstanding + 1,
            client->count * sizeof client->outstanding[0]);
    client->out_length += p0f_answer_pack(answer, dialect, packed);
    client->answered++;
    return packed;
}

ssize_t fake_p0f_write(struct fake_p0f_client *client, size_t max)
{
    size_t left = client->out_length - client->out_sent;
    ssize_t put =
        send(client->fd, client->out + client->out_sent, left < max ? left : max, MSG_NOSIGNAL);

    if (put > 0)
        client->out_sent += (size_t)put;
    if (client->out_sent == client->out_length)
        client->out_sent = client->out_length = 0;
    return put;
}

bool fake_p0f_has_outstanding(const struct fake_p0f_client *client)
{
    return client->count > 0 || client->out_length > 0;
}

void fake_p0f_hang_up(struct fake_p0f_client *client)
{
    close(client->fd);
    free_slot(client);
}

nfds_t fake_p0f_watch(const struct fake_p0f *p0f, struct pollfd *watched)
{
    watched[0] = (struct pollfd){.fd = p0f->socket.listener, .events = POLLIN};
    for (unsigned i = 0; i < p0f->slots; i++) {
        const struct fake_p0f_client *client = &p0f->clients[i];
        watched[1 + i] =
            (struct pollfd){.fd = client->fd, .events = client->out_length > 0 ? POLLOUT : POLLIN};
    }
    return 1 + p0f->slots;
}

/* ---- Answers */

bool fake_p0f_knows(const struct p0f_addr *addr)
{
    return addr->type == 4 && addr->bytes[0] == 10;
}

struct p0f_answer fake_p0f_no_match(const struct p0f_addr *addr)
{
    return (struct p0f_answer){.status = addr->type ? P0F_STATUS_NOMATCH : P0F_STATUS_BADQUERY};
}

void fake_p0f_spoil(uint8_t *answer, enum fake_p0f_fault fault)
{
    const uint32_t magic = P0F_QUERY_MAGIC,
                   status = fault == FAKE_P0F_BAD_QUERY ? P0F_STATUS_BADQUERY : 0x30;

    if (fault == FAKE_P0F_BAD_MAGIC)
        memcpy(answer, &magic, sizeof magic);
    else
        memcpy(answer + sizeof magic, &status, sizeof status);
}
