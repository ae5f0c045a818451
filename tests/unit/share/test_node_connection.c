/* SPDX-License-Identifier: MIT */
#include "node_fixture.h"

#include "share/node_connection.h"
#include "share/redis_socket.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

static unsigned replies, losses;
static char got[1024];

static void on_text(void *ctx, const redisReply *reply)
{
    (void)ctx;
    replies += reply != NULL;
    losses += reply == NULL;
    if (reply && strlen(got) + reply->len + 2 < sizeof got)
        strcat(strcat(got, reply->str), " ");
}

static void setup(void)
{
    replies = losses = 0;
    got[0] = '\0';
    node_open();
}

/* ---- Getting in */

Test(node_connection, pings_before_it_is_up)
{
    node_open_store();
    node_open_to(node_unix_url());
    cr_assert_eq(node_status().state, SHARE_NODE_CONNECTING);
    cr_assert_str_eq(node_status().fault, "not connected yet");
    cr_assert_not(node_connection_ready(on.node));
    cr_assert_not(node_send_text("x", on_text, NULL));
    node_settle();
    cr_assert_str_eq(on.log, "PING|");
    cr_assert_eq(on.ups, 1);
    cr_assert_eq(node_status().state, SHARE_NODE_UP);
    cr_assert_str_empty(node_status().fault);
    cr_assert_eq(on.counts.connects_ok, 1);
    cr_assert_eq(node_status().reconnects, 0);
    node_close();
}

Test(node_connection, logs_in_and_selects)
{
    node_open_store();
    struct redis_url url = node_tcp_url();
    strcpy(url.user, "p0f");
    strcpy(url.password, "se cret");
    url.database = 3;
    node_open_to(url);
    node_settle();
    cr_assert_str_eq(on.log, "AUTH p0f se cret|SELECT 3|PING|");
    cr_assert_eq(node_status().state, SHARE_NODE_UP);
    node_close();
}

Test(node_connection, a_password_needs_no_user)
{
    node_open_store();
    struct redis_url url = node_tcp_url();
    strcpy(url.password, "secret");
    node_open_to(url);
    node_settle();
    cr_assert_str_eq(on.log, "AUTH secret|PING|");
    node_close();
}

/* p0f-drain and others are forked. */
Test(node_connection, programs_do_not_inherit_it)
{
    struct sockaddr_in peer;
    socklen_t length = sizeof peer;
    unsigned found = 0;

    node_open_store();
    node_open_to(node_tcp_url());
    node_settle();
    for (int fd = 3; fd < 256; fd++, length = sizeof peer)
        if (getpeername(fd, (struct sockaddr *)&peer, &length) == 0 && peer.sin_family == AF_INET &&
            ntohs(peer.sin_port) == on.store.port) {
            cr_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
            found++;
        }
    cr_assert_eq(found, 1);
    node_close();
}

/* ---- Commands */

Test(node_connection, what_is_sent_in_a_round_goes_out_at_its_end)
{
    setup();
    cr_assert(node_send_text("a", on_text, NULL));
    cr_assert(node_send_text("b", on_text, NULL));
    node_serve();
    cr_assert_str_empty(on.log);
    cr_assert_eq(node_status().outstanding, 2);
    stage_round();
    node_serve();
    cr_assert_str_eq(on.log, "ECHO a|ECHO b|");
    node_settle();
    cr_assert_str_eq(got, "a b ");
    cr_assert_eq(node_status().outstanding, 0);
    node_close();
}

Test(node_connection, replies_may_come_in_pieces)
{
    setup();
    on.piece = 1;
    for (int i = 0; i < 3; i++)
        cr_assert(node_send_text("piecemeal", on_text, NULL));
    for (int i = 0; i < 10; i++)
        node_settle();
    cr_assert_str_eq(got, "piecemeal piecemeal piecemeal ");
    node_close();
}

Test(node_connection, asking_precedes_its_command)
{
    const char *argv[] = {"GET", "k"};
    const size_t lengths[] = {3, 1};

    setup();
    cr_assert(node_connection_send(on.node, 2, argv, lengths, true, on_text, NULL));
    node_settle();
    cr_assert_str_eq(on.log, "ASKING|GET k|");
    cr_assert_str_eq(got, "k ");
    node_close();
}

Test(node_connection, a_long_command_is_sent_and_one_that_is_too_long_is_not)
{
    char text[REDIS_SOCKET_COMMAND_MAX + 1] = "";

    setup();
    memset(text, 'x', sizeof text - 64);
    cr_assert(node_send_text(text, on_text, NULL));
    memset(text, 'x', sizeof text - 1);
    cr_assert_not(node_send_text(text, on_text, NULL));
    cr_assert(node_send_text("short", on_text, NULL));
    node_settle();
    cr_assert_eq(replies, 2);
    cr_assert_str_eq(got, "short ");
    node_close();
}

/* 4 MB are more than the socket holds: they go out as they are read. */
Test(node_connection, takes_so_many_commands_and_no_more)
{
    static char text[1025];

    setup();
    memset(text, 'x', 1024);
    on.deaf = true;
    for (unsigned i = 0; i < NODE_CONNECTION_COMMANDS_MAX; i++) {
        cr_assert(node_connection_ready(on.node), "%u", i);
        cr_assert(node_send_text(text, on_text, NULL));
    }
    cr_assert_not(node_connection_ready(on.node));
    cr_assert_not(node_send_text(text, on_text, NULL));
    node_settle();
    cr_assert_eq(replies, 0);
    on.deaf = false;
    for (int i = 0; i < 100 && replies < NODE_CONNECTION_COMMANDS_MAX; i++)
        node_settle();
    cr_assert_eq(replies, NODE_CONNECTION_COMMANDS_MAX);
    cr_assert(node_connection_ready(on.node));
    node_close();
}

/* ---- Losing it */

static void on_text_send_again(void *ctx, const redisReply *reply)
{
    on_text(ctx, reply);
    cr_assert_not(node_connection_ready(on.node));
    cr_assert_not(node_send_text("again", on_text, NULL));
}

Test(node_connection, each_command_is_told_once_that_it_was_lost)
{
    setup();
    on.mute = true;
    for (int i = 0; i < 10; i++)
        cr_assert(node_send_text("x", i == 5 ? on_text_send_again : on_text, NULL));
    node_settle();
    fake_store_hang_up(node_client());
    stage_round();
    cr_assert_eq(losses, 10);
    cr_assert_eq(on.downs, 1);
    cr_assert_str_eq(on.fault, "connection lost: Server closed the connection");
    cr_assert_eq(node_status().state, SHARE_NODE_DOWN);
    cr_assert_str_eq(node_status().fault, on.fault);
    on.mute = false;
    node_pass(100);
    cr_assert_eq(on.ups, 2);
    cr_assert_eq(node_status().reconnects, 1);
    cr_assert_eq(losses, 10);
    node_close();
}

Test(node_connection, a_round_of_commands_that_cannot_be_written)
{
    setup();
    fake_store_hang_up(node_client());
    cr_assert(node_send_text("x", on_text, NULL));
    stage_round();
    stage_round();
    cr_assert_eq(losses, 1);
    cr_assert_eq(on.downs, 1);
    node_close();
}

/* ---- Freeing it */

static void free_node(void)
{
    node_connection_free(on.node);
    on.node = NULL;
}

static void on_text_free(void *ctx, const redisReply *reply)
{
    on_text(ctx, reply);
    free_node();
    cr_assert_eq(replies + losses, 10, "all before it returns");
}

Test(node_connection, freed_while_commands_are_outstanding)
{
    setup();
    on.mute = true;
    for (int i = 0; i < 10; i++)
        cr_assert(node_send_text("x", on_text, NULL));
    node_settle();
    free_node();
    cr_assert_eq(losses, 10);
    cr_assert_eq(on.downs, 0);
    node_close();
}

Test(node_connection, freed_in_a_reply)
{
    setup();
    for (int i = 0; i < 10; i++)
        cr_assert(node_send_text("x", i == 4 ? on_text_free : on_text, NULL));
    node_settle();
    cr_assert_null(on.node);
    cr_assert_eq(replies, 5);
    cr_assert_eq(losses, 5);
    node_close();
}

Test(node_connection, freed_in_a_reply_that_is_lost)
{
    setup();
    on.mute = true;
    for (int i = 0; i < 10; i++)
        cr_assert(node_send_text("x", i == 4 ? on_text_free : on_text, NULL));
    node_settle();
    fake_store_hang_up(node_client());
    stage_round();
    cr_assert_null(on.node);
    cr_assert_eq(losses, 10);
    cr_assert_eq(on.downs, 0);
    node_close();
}

static void up_and_free(void *ctx)
{
    on_up(ctx);
    free_node();
}

static void down_and_free(void *ctx, const char *fault)
{
    on_down(ctx, fault);
    free_node();
}

static void open_with(void (*up)(void *ctx), void (*down)(void *ctx, const char *fault))
{
    node_open_store();
    const struct node_connection_options options = {.loop = stage.loop,
                                                    .url = node_unix_url(),
                                                    .timeout_ms = NODE_TIMEOUT_MS,
                                                    .counts = &on.counts,
                                                    .events = {.up = up, .down = down}};
    on.node = node_connection_new(&options);
    node_settle();
}

Test(node_connection, freed_when_it_is_up)
{
    open_with(up_and_free, NULL);
    cr_assert_eq(on.ups, 1);
    cr_assert_null(on.node);
    node_close();
}

Test(node_connection, freed_when_it_is_down)
{
    open_with(NULL, down_and_free);
    fake_store_hang_up(node_client());
    node_settle();
    cr_assert_eq(on.downs, 1);
    cr_assert_null(on.node);
    node_close();
}

Test(node_connection, freed_by_its_third_failure)
{
    open_with(NULL, down_and_free);
    for (int i = 0; i < 3; i++)
        node_connection_failed(on.node, "hangs");
    cr_assert_null(on.node);
    node_close();
}

Test(node_connection, freed_at_any_step)
{
    for (int rounds = 0; rounds < 6; rounds++) {
        node_open_store();
        node_open_to(node_tcp_url());
        for (int i = 0; i < rounds; i++) {
            stage_round();
            node_serve();
        }
        node_close();
    }
}
