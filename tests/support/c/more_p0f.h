/* SPDX-License-Identifier: MIT */
/* More p0f on the stage, for tests of several sensors. Each knows every host, or none. */
#ifndef MORE_P0F_H
#define MORE_P0F_H

#include "p0f/sensors.h"

#include "stage.h"

#define MORE_P0F_MAX 10

static struct more_p0f {
    struct fake_p0f fake;
    unsigned asked;     /* ever, without the probes of new connections */
    uint32_t last_seen; /* of all hosts; 0: it knows none */
    bool holding;       /* answers probes only */
    bool mute;          /* answers nothing */
    bool spoils;        /* its answers, but for those to probes */
} more[MORE_P0F_MAX];
static unsigned more_count;

static inline void more_p0f_read(struct more_p0f *p0f, struct fake_p0f_client *client)
{
    for (unsigned i = stage_read_queries(client); i < client->count; i++)
        p0f->asked += !stage_is_probe(&client->outstanding[i]);
}

static inline void more_p0f_answer(const struct more_p0f *p0f, struct fake_p0f_client *client)
{
    const struct p0f_addr addr = client->outstanding[0];
    struct p0f_answer answer = fake_p0f_no_match(&addr);

    if (p0f->last_seen > 0 && !stage_is_probe(&addr))
        answer = (struct p0f_answer){.status = P0F_STATUS_OK,
                                     .host = {.last_seen = p0f->last_seen,
                                              .total_conn = (uint32_t)(p0f - more),
                                              .os_name = "Linux"}};
    uint8_t *bytes = fake_p0f_answer(client, &answer, P0F_DIALECT_P0F3);
    if (p0f->spoils && !stage_is_probe(&addr))
        fake_p0f_spoil(bytes, FAKE_P0F_BAD_MAGIC);
    cr_assert_gt(fake_p0f_write(client, SIZE_MAX), 0);
}

static inline void more_p0f_serve(void)
{
    for (unsigned n = 0; n < more_count; n++) {
        struct more_p0f *p0f = &more[n];
        while (fake_p0f_accept(&p0f->fake, STAGE_CLIENTS))
            continue;
        for (unsigned i = 0; i < STAGE_CLIENTS; i++) {
            struct fake_p0f_client *client = &p0f->fake.clients[i];
            more_p0f_read(p0f, client);
            while (client->count > 0 && !p0f->mute &&
                   (!p0f->holding || stage_is_probe(&client->outstanding[0])))
                more_p0f_answer(p0f, client);
        }
    }
}

/* After stage_open(). They listen, and know no host. */
static inline void more_p0f_open(unsigned count)
{
    more_count = count;
    for (unsigned i = 0; i < count; i++) {
        more[i].asked = more[i].last_seen = 0;
        more[i].holding = more[i].mute = more[i].spoils = false;
        cr_assert(fake_p0f_open(&more[i].fake, NULL, STAGE_CLIENTS));
        cr_assert(fake_p0f_socket_listen(&more[i].fake.socket));
    }
    stage.also = more_p0f_serve;
}

/* It ends, and is started again. */
static inline void more_p0f_kill(struct more_p0f *p0f)
{
    fake_p0f_stop(&p0f->fake);
}

static inline void more_p0f_restart(struct more_p0f *p0f)
{
    cr_assert(fake_p0f_socket_listen(&p0f->fake.socket));
}

/* Before stage_close(). */
static inline void more_p0f_close(void)
{
    for (unsigned i = 0; i < more_count; i++)
        fake_p0f_close(&more[i].fake);
    more_count = 0;
}

/* Fills in the sensors' names, which are "s0", "s1"..., and their sockets. */
static inline void more_p0f_sensors(struct sensors_options *options)
{
    static const char *const names[MORE_P0F_MAX] = {"s0", "s1", "s2", "s3", "s4",
                                                    "s5", "s6", "s7", "s8", "s9"};

    options->count = more_count;
    for (unsigned i = 0; i < more_count; i++) {
        options->sensors[i].name = names[i];
        options->sensors[i].socket = more[i].fake.socket.path;
    }
}

#endif
