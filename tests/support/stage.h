/* SPDX-License-Identifier: MIT */
/* What tests of the pool and of the lookup play on: a clock that stands until it is moved, the real
 * loop run one round at a time, and a p0f in the test's own thread at a unix socket. It knows
 * 10.0.0.0/8, talks nonsense about 66.0.0.0/8, and answers when it is told to; so nothing here depends
 * on timing. */
#ifndef STAGE_H
#define STAGE_H

#include "core/loop.h"
#include "p0fclient.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define STAGE_CLIENTS 16
#define STAGE_QUERIES 64

struct stage_client {
    int fd; /* -1: none */
    struct p0f_addr outstanding[STAGE_QUERIES];
    unsigned count;
};

static struct {
    struct mono now;
    struct loop *loop;
    char dir[32];
    struct sockaddr_un name;
    int listener;
    struct stage_client clients[STAGE_CLIENTS];
    unsigned accepted; /* ever */
    unsigned asked;    /* ever, without the probes of new connections */
    unsigned probed;   /* ever, those */
    int taken;         /* places that others have: so many fewer clients are served */
    bool holding;      /* only probes are answered */
    bool mute;         /* nothing is */
    bool knows_all;
} stage;

static inline struct mono stage_clock(void)
{
    return stage.now;
}

static inline struct p0f_addr stage_addr(const char *text)
{
    struct p0f_addr addr;

    cr_assert_eq(p0f_addr_parse(text, strlen(text), &addr), P0F_OK);
    return addr;
}

/* ---- p0f */

static inline void stage_p0f_start(void)
{
    stage.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(stage.listener, (struct sockaddr *)&stage.name, sizeof stage.name), 0);
    cr_assert_eq(listen(stage.listener, STAGE_CLIENTS), 0);
}

static inline void stage_hang_up(void)
{
    for (int i = 0; i < STAGE_CLIENTS; i++) {
        struct stage_client *client = &stage.clients[i];
        if (client->fd >= 0)
            close(client->fd);
        *client = (struct stage_client){.fd = -1};
    }
}

static inline void stage_p0f_stop(void)
{
    stage_hang_up();
    if (stage.listener >= 0)
        close(stage.listener);
    stage.listener = -1;
    unlink(stage.name.sun_path);
}

static inline bool stage_is_probe(const struct p0f_addr *addr)
{
    return addr->bytes[0] == 0;
}

static inline void stage_accept(void)
{
    for (int i = 0; i < STAGE_CLIENTS - stage.taken && stage.listener >= 0; i++) {
        if (stage.clients[i].fd >= 0)
            continue;
        int fd = accept4(stage.listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0)
            return;
        stage.clients[i] = (struct stage_client){.fd = fd};
        stage.accepted++;
    }
}

static inline void stage_read(struct stage_client *client)
{
    uint8_t query[P0F_QUERY_SIZE];

    while (client->fd >= 0 && recv(client->fd, query, sizeof query, 0) == sizeof query) {
        cr_assert_lt(client->count, STAGE_QUERIES);
        cr_assert(p0f_query_unpack(query, &client->outstanding[client->count]));
        bool probe = stage_is_probe(&client->outstanding[client->count++]);
        stage.asked += !probe;
        stage.probed += probe;
    }
}

static inline void stage_answer_first(struct stage_client *client)
{
    uint8_t bytes[P0F_ANSWER_MAX];
    bool known = stage.knows_all || client->outstanding[0].bytes[0] == 10;
    struct p0f_answer answer = {.status = P0F_STATUS_NOMATCH};

    if (known && !stage_is_probe(&client->outstanding[0]))
        answer = (struct p0f_answer){.status = P0F_STATUS_OK,
                                     .host = {.total_conn = stage.asked, .os_name = "Linux"}};
    size_t size = p0f_answer_pack(&answer, P0F_DIALECT_P0F3, bytes);
    bytes[0] ^= client->outstanding[0].bytes[0] == 66;
    cr_assert_eq(send(client->fd, bytes, size, MSG_NOSIGNAL), (ssize_t)size);
    memmove(client->outstanding, client->outstanding + 1,
            --client->count * sizeof client->outstanding[0]);
}

static inline void stage_serve(void)
{
    stage_accept();
    for (int i = 0; i < STAGE_CLIENTS; i++) {
        struct stage_client *client = &stage.clients[i];
        stage_read(client);
        while (client->count > 0 && !stage.mute &&
               (!stage.holding || stage_is_probe(&client->outstanding[0])))
            stage_answer_first(client);
    }
}

/* ---- The loop */

static inline void stage_stop(void *loop)
{
    loop_stop(loop);
}

static inline void stage_round(void)
{
    struct loop_timer stop = {.fire = stage_stop, .ctx = stage.loop};

    loop_arm(stage.loop, &stop, stage.now);
    cr_assert_eq(loop_run(stage.loop), 0);
}

/* Until all that can happen at this time has. */
static inline void stage_settle(void)
{
    for (int i = 0; i < 8; i++) {
        stage_serve();
        stage_round();
    }
}

static inline void stage_pass(int64_t ms)
{
    stage.now = mono_add_ms(stage.now, ms);
    stage_settle();
}

/* ---- Curtain up, and down */

static inline void stage_open(void)
{
    memset(&stage, 0, sizeof stage);
    stage.now.ns = INT64_C(1000000000000);
    stage.listener = -1;
    for (int i = 0; i < STAGE_CLIENTS; i++)
        stage.clients[i].fd = -1;
    strcpy(stage.dir, "/tmp/stage-XXXXXX");
    cr_assert_not_null(mkdtemp(stage.dir));
    stage.name.sun_family = AF_UNIX;
    strcat(strcpy(stage.name.sun_path, stage.dir), "/p0f.sock");
    stage.loop = loop_new(stage_clock);
    cr_assert_not_null(stage.loop);
}

static inline void stage_close(void)
{
    loop_free(stage.loop);
    stage_p0f_stop();
    rmdir(stage.dir);
}

#endif
