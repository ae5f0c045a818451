/* SPDX-License-Identifier: MIT */
/* The p0f end of a unix socket, played by the test itself, in a directory of its own. */
#ifndef STAND_IN_H
#define STAND_IN_H

#include "p0fclient.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct stand_in {
    char dir[32];
    char path[64];
    int listener;
    int peer; /* the connection accepted last, -1 when there is none */
};

static inline bool stand_in_start(struct stand_in *p0f)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};

    *p0f = (struct stand_in){.dir = "/tmp/p0f-unit-XXXXXX", .listener = -1, .peer = -1};
    if (!mkdtemp(p0f->dir))
        return false;
    snprintf(p0f->path, sizeof p0f->path, "%s/sock", p0f->dir);
    memcpy(name.sun_path, p0f->path, sizeof p0f->path);
    p0f->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    return bind(p0f->listener, (const struct sockaddr *)&name, sizeof name) == 0 &&
           listen(p0f->listener, 8) == 0;
}

static inline void stand_in_hang_up(struct stand_in *p0f)
{
    if (p0f->peer >= 0)
        close(p0f->peer);
    p0f->peer = -1;
}

static inline void stand_in_stop(struct stand_in *p0f)
{
    stand_in_hang_up(p0f);
    close(p0f->listener);
    unlink(p0f->path);
    rmdir(p0f->dir);
}

/* False when nobody has connected. */
static inline bool stand_in_accept(struct stand_in *p0f)
{
    stand_in_hang_up(p0f);
    p0f->peer = accept4(p0f->listener, NULL, NULL, SOCK_CLOEXEC);
    return p0f->peer >= 0;
}

/* Waits for a whole query; false when it is none. */
static inline bool stand_in_read(struct stand_in *p0f, struct p0f_addr *addr)
{
    uint8_t query[P0F_QUERY_SIZE];

    return recv(p0f->peer, query, sizeof query, MSG_WAITALL) == sizeof query &&
           p0f_query_unpack(query, addr);
}

static inline bool stand_in_skip(struct stand_in *p0f, unsigned queries)
{
    struct p0f_addr addr;

    while (queries > 0 && stand_in_read(p0f, &addr))
        queries--;
    return queries == 0;
}

static inline bool stand_in_write(struct stand_in *p0f, const void *bytes, size_t length)
{
    return send(p0f->peer, bytes, length, MSG_NOSIGNAL) == (ssize_t)length;
}

/* Appends an answer whose total_conn is `mark`; returns the bytes. */
static inline size_t stand_in_pack(uint8_t *out, enum p0f_dialect dialect, uint32_t status,
                                   uint32_t mark)
{
    struct p0f_answer answer = {.status = status, .host = {.total_conn = mark}};
    uint8_t bytes[P0F_ANSWER_MAX];
    size_t size = p0f_answer_pack(&answer, dialect, bytes);

    memcpy(out, bytes, size);
    return size;
}

static inline bool stand_in_answer(struct stand_in *p0f, uint32_t status, uint32_t mark)
{
    uint8_t bytes[P0F_ANSWER_MAX];

    return stand_in_write(p0f, bytes, stand_in_pack(bytes, P0F_DIALECT_P0F3, status, mark));
}

/* Neither closed nor half-closed by the client, and nothing of it is waiting to be read. */
static inline bool stand_in_sees_open(const struct stand_in *p0f)
{
    char byte;

    return recv(p0f->peer, &byte, 1, MSG_DONTWAIT | MSG_PEEK) < 0 && errno == EAGAIN;
}

static inline bool stand_in_sees_closed(const struct stand_in *p0f)
{
    char byte;

    return recv(p0f->peer, &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 0;
}

#endif
