/* SPDX-License-Identifier: MIT */
/* The surroundings of the pool and the lookup in unit tests: a clock that stands still until it is moved,
 * the real loop run one round at a time, and fake_p0f.h in the test's own thread. That knows 10.0.0.0/8,
 * answers about 66.0.0.0/8 with a bad magic, and answers when it is told to; so nothing here depends on
 * timing. */
#ifndef STAGE_H
#define STAGE_H

#include "core/loop.h"
#include "fake_p0f.h"

#include <criterion/criterion.h>
#include <string.h>

#define STAGE_CLIENTS 16

static struct {
    struct mono now;
    int64_t slept_ms; /* while the machine was suspended */
    struct loop *loop;
    struct fake_p0f p0f;
    unsigned accepted; /* ever */
    unsigned asked;    /* ever, without the probes of new connections */
    unsigned probed;   /* ever, those */
    int taken;         /* slots that other clients of p0f have */
    bool holding;      /* answers probes only */
    bool mute;         /* answers nothing */
    bool knows_all;
    void (*also)(void); /* serves what else there is; may be NULL */
} stage;

static inline struct mono stage_clock(void)
{
    return stage.now;
}

static inline struct boottime stage_boottime(void)
{
    return boottime_add_ms((struct boottime){stage.now.ns}, stage.slept_ms);
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
    cr_assert(fake_p0f_socket_listen(&stage.p0f.socket));
}

static inline void stage_hang_up(void)
{
    for (unsigned i = 0; i < STAGE_CLIENTS; i++)
        if (stage.p0f.clients[i].fd >= 0)
            fake_p0f_hang_up(&stage.p0f.clients[i]);
}

static inline void stage_p0f_stop(void)
{
    fake_p0f_stop(&stage.p0f);
}

static inline bool stage_is_probe(const struct p0f_addr *addr)
{
    return addr->bytes[0] == 0;
}

static inline void stage_accept(void)
{
    while (fake_p0f_accept(&stage.p0f, (unsigned)(STAGE_CLIENTS - stage.taken)))
        stage.accepted++;
}

/* Reads all queries that have arrived; returns the index of the first of them. */
static inline unsigned stage_read_queries(struct fake_p0f_client *client)
{
    unsigned before = client->count;
    enum fake_p0f_read got = FAKE_P0F_IDLE;

    while (client->fd >= 0 && (got = fake_p0f_read(client, FAKE_P0F_QUERIES_MAX)) == FAKE_P0F_GOT)
        continue;
    if (got == FAKE_P0F_CLOSED) {
        cr_assert_eq(client->count, 0, "closed while an answer was outstanding");
        fake_p0f_hang_up(client);
    }
    return before;
}

static inline void stage_read(struct fake_p0f_client *client)
{
    for (unsigned i = stage_read_queries(client); i < client->count; i++) {
        cr_assert_neq(client->outstanding[i].type, 0, "not a query");
        stage.asked += !stage_is_probe(&client->outstanding[i]);
        stage.probed += stage_is_probe(&client->outstanding[i]);
    }
}

static inline void stage_answer_first(struct fake_p0f_client *client)
{
    const struct p0f_addr addr = client->outstanding[0];
    struct p0f_answer answer = fake_p0f_no_match(&addr);

    if ((stage.knows_all || addr.bytes[0] == 10) && !stage_is_probe(&addr))
        answer = (struct p0f_answer){.status = P0F_STATUS_OK,
                                     .host = {.total_conn = stage.asked, .os_name = "Linux"}};
    uint8_t *bytes = fake_p0f_answer(client, &answer, P0F_DIALECT_P0F3);
    if (addr.bytes[0] == 66)
        fake_p0f_spoil(bytes, FAKE_P0F_BAD_MAGIC);
    cr_assert_gt(fake_p0f_write(client, SIZE_MAX), 0);
    cr_assert_eq(client->out_length, 0, "written as a whole");
}

static inline void stage_serve(void)
{
    if (stage.also)
        stage.also();
    stage_accept();
    for (unsigned i = 0; i < STAGE_CLIENTS; i++) {
        struct fake_p0f_client *client = &stage.p0f.clients[i];
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

/* Runs rounds until all that can happen at this time has happened. */
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

static inline void stage_suspend(int64_t ms)
{
    stage.slept_ms += ms;
    stage_settle();
}

/* ---- Setup and teardown */

static inline void stage_open(void)
{
    memset(&stage, 0, sizeof stage);
    stage.now.ns = INT64_C(1000000000000);
    cr_assert(fake_p0f_open(&stage.p0f, NULL, STAGE_CLIENTS));
    stage.loop = loop_new(stage_clock);
    cr_assert_not_null(stage.loop);
}

static inline void stage_close(void)
{
    loop_free(stage.loop);
    fake_p0f_close(&stage.p0f);
}

#endif
