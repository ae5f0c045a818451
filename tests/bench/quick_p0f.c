/* SPDX-License-Identifier: MIT */
/*
 * quick_p0f SOCKET - a p0f for the benchmarks that need more hosts than a real one can be shown quickly.
 *
 * It knows every address of 10.0.0.0/8, and no other, and answers in the stock dialect. Unlike p0f, it
 * takes all queries of a connection at once, so that it is not what limits the daemon.
 */
#include "../support/c/fake_p0f.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CLIENTS = 64, AT_ONCE = 64 };

static struct fake_p0f p0f;

static void die(const char *what)
{
    fprintf(stderr, "quick_p0f: %s: %s\n", what, strerror(errno));
    exit(1);
}

static struct p0f_answer answer_about(const struct p0f_addr *addr)
{
    const uint8_t *bytes = addr->bytes;
    uint32_t now = (uint32_t)time(NULL);
    static uint32_t started; /* so that a host does not change */

    if (started == 0)
        started = now;
    if (!fake_p0f_knows(addr))
        return fake_p0f_no_match(addr);
    return (struct p0f_answer){.status = P0F_STATUS_OK,
                               .host = {.first_seen = started - 86400 - bytes[2],
                                        .last_seen = now,
                                        .total_conn = 100u + bytes[3],
                                        .uptime_min = 17500u + bytes[3],
                                        .up_mod_days = 198,
                                        .distance = (int16_t)(1 + bytes[3] % 9),
                                        .os_name = "Linux",
                                        .os_flavor = "3.11 and newer",
                                        .http_name = "Firefox",
                                        .http_flavor = "10.x or newer",
                                        .link_type = "Ethernet or modem",
                                        .language = "English"}};
}

/* One step for a client that is readable or writable; false once it has gone. */
static bool step(struct fake_p0f_client *client)
{
    if (client->out_length == 0) {
        enum fake_p0f_read read = fake_p0f_read(client, AT_ONCE);
        if (read != FAKE_P0F_GOT)
            return read == FAKE_P0F_IDLE;
        while (client->count > 0) {
            struct p0f_answer answer = answer_about(&client->outstanding[0]);
            fake_p0f_answer(client, &answer, P0F_DIALECT_P0F3);
        }
    }
    return client->out_length == 0 || fake_p0f_write(client, SIZE_MAX) > 0 || errno == EAGAIN;
}

int main(int argc, char **argv)
{
    struct pollfd watched[1 + FAKE_P0F_SLOTS_MAX];

    if (argc != 2) {
        fprintf(stderr, "usage: quick_p0f SOCKET\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    if (!fake_p0f_open(&p0f, argv[1], CLIENTS) || !fake_p0f_socket_listen(&p0f.socket))
        die(argv[1]);
    for (;;) {
        if (poll(watched, fake_p0f_watch(&p0f, watched), -1) < 0 && errno != EINTR)
            die("poll");
        for (unsigned i = 0; i < CLIENTS; i++)
            if (watched[1 + i].revents && !step(&p0f.clients[i]))
                fake_p0f_hang_up(&p0f.clients[i]);
        if (watched[0].revents && !fake_p0f_accept(&p0f, CLIENTS) && errno != EAGAIN)
            die("accept");
    }
}
