/* SPDX-License-Identifier: MIT */
/* p0f's end of one connection, for tests that write its bytes themselves. Unlike those of fake_p0f.h it
 * blocks, so that a thread can play p0f for a caller that blocks. */
#ifndef STAND_IN_H
#define STAND_IN_H

#include "fake_p0f.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

struct stand_in {
    struct fake_p0f_socket socket;
    int peer; /* the connection accepted last, -1 when there is none */
};

static inline bool stand_in_start(struct stand_in *p0f)
{
    p0f->peer = -1;
    return fake_p0f_socket_open(&p0f->socket, NULL) && fake_p0f_socket_listen(&p0f->socket);
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
    fake_p0f_socket_close(&p0f->socket);
}

/* False when nobody has connected. */
static inline bool stand_in_accept(struct stand_in *p0f)
{
    stand_in_hang_up(p0f);
    p0f->peer = accept4(p0f->socket.listener, NULL, NULL, SOCK_CLOEXEC);
    return p0f->peer >= 0;
}

/* Waits for 21 bytes; false when they are not a query. */
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
    const struct p0f_answer answer = {.status = status, .host = {.total_conn = mark}};

    return p0f_answer_pack(&answer, dialect, out);
}

static inline bool stand_in_answer(struct stand_in *p0f, uint32_t status, uint32_t mark)
{
    uint8_t bytes[P0F_ANSWER_MAX];

    return stand_in_write(p0f, bytes, stand_in_pack(bytes, P0F_DIALECT_P0F3, status, mark));
}

/* The client has neither closed nor half-closed, and has sent nothing that was not read. */
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
