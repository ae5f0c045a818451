/* SPDX-License-Identifier: MIT */
/* Any bytes are what a server sends, in pieces, while it is logged in to or later; then it may hang up, or hang.
 * Each command is told once what has become of it, up and down take turns, and the fault can be shown. */
#include "../support/c/fake_store.h"
#include "holds.h"
#include "share/node_connection.h"

#include <signal.h>
#include <string.h>

#define COMMANDS 3u
#define PIECE_MAX 64u
#define TIMEOUT_MS 50

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first byte of the script. */
enum { LOGS_IN = 1, HAS_PASSWORD = 2, HANGS_UP = 4, FAILS = 8 };

static struct fake_store store;

static struct play {
    struct mono now;
    struct loop *loop;
    struct node_connection *node;
    struct share_counts counts;
    bool is_up;
    unsigned sent, told;
} play;

static struct mono now(void)
{
    return play.now;
}

static void on_told(void *ctx, const redisReply *reply)
{
    (void)ctx, (void)reply;
    play.told++;
    HOLDS(play.told <= play.sent);
}

static void on_up(void *ctx)
{
    const char *argv[] = {"HSCAN", "p0f:192.0.2.1", "0", "COUNT", "512"};
    const size_t lengths[] = {5, 13, 1, 5, 3};

    (void)ctx;
    HOLDS(!play.is_up && node_connection_ready(play.node));
    play.is_up = true;
    for (unsigned i = 0; i < COMMANDS; i++)
        play.sent += node_connection_send(play.node, 5, argv, lengths, i == 1, on_told, NULL);
}

static void on_down(void *ctx, const char *fault)
{
    (void)ctx;
    HOLDS(play.is_up && fault[0] && !node_connection_ready(play.node));
    play.is_up = false;
}

static void stop(void *loop)
{
    loop_stop(loop);
}

static void rounds(int64_t ms)
{
    play.now = mono_add_ms(play.now, ms);
    for (int i = 0; i < 4; i++) {
        struct loop_timer end = {.fire = stop, .ctx = play.loop};
        loop_arm(play.loop, &end, play.now);
        HOLDS(loop_run(play.loop) == 0);
    }
}

static void check_status(void)
{
    struct share_node_status status;

    node_connection_status(play.node, &status);
    HOLDS((status.state == SHARE_NODE_UP) == play.is_up);
    HOLDS((status.state == SHARE_NODE_UP) == !status.fault[0]);
    for (const char *at = status.fault; *at; at++)
        HOLDS(*at >= ' ' && *at <= '~');
}

static void send_script(struct fake_store_client *client, const uint8_t *data, size_t size)
{
    for (size_t length; size > 0; data += length, size -= length) {
        length = 1 + data[0] % PIECE_MAX;
        if (length > size)
            length = size;
        fake_store_put_bytes(client, data, length);
        fake_store_write(client, SIZE_MAX);
        rounds(0);
        check_status();
    }
}

static void begin_play(uint8_t how)
{
    struct redis_url url = {.is_unix = true};

    strcpy(url.host, store.path);
    if (how & HAS_PASSWORD)
        strcpy(url.password, "secret");
    play = (struct play){.now = {INT64_C(1000000000000)}};
    play.loop = loop_new(now);
    play.node = node_connection_new(
        &(struct node_connection_options){.loop = play.loop,
                                          .url = url,
                                          .timeout_ms = TIMEOUT_MS,
                                          .counts = &play.counts,
                                          .events = {.up = on_up, .down = on_down}});
    HOLDS(play.node);
    rounds(0);
}

static void hang_up_all(void)
{
    while (fake_store_accept(&store))
        ;
    for (unsigned i = 0; i < FAKE_STORE_CLIENTS; i++)
        if (store.clients[i].fd >= 0)
            fake_store_hang_up(&store.clients[i]);
}

static void close_store(void)
{
    fake_store_close(&store);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    if (!store.dir[0]) {
        signal(SIGPIPE, SIG_IGN);
        HOLDS(fake_store_open(&store));
        atexit(close_store);
    }
    begin_play(data[0]);
    struct fake_store_client *client = fake_store_accept(&store);
    HOLDS(client);
    if (data[0] & LOGS_IN && data[0] & HAS_PASSWORD)
        send_script(client, (const uint8_t *)"+OK\r\n", 5);
    if (data[0] & LOGS_IN)
        send_script(client, (const uint8_t *)"+PONG\r\n", 7);
    HOLDS(!(data[0] & LOGS_IN) || play.is_up);
    send_script(client, data + 1, size - 1);
    if (data[0] & FAILS)
        for (int i = 0; i < 3; i++)
            node_connection_failed(play.node, "no reply");
    if (data[0] & HANGS_UP)
        hang_up_all();
    rounds(0);
    for (int i = 0; i < 10; i++)
        rounds(200);
    check_status();
    node_connection_free(play.node);
    HOLDS(play.told == play.sent);
    loop_free(play.loop);
    hang_up_all();
    return 0;
}
