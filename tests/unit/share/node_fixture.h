/* SPDX-License-Identifier: MIT */
/* A node_connection on the stage, and a fake store in the test's own thread, which answers as the test says. */
#ifndef NODE_FIXTURE_H
#define NODE_FIXTURE_H

#include "../../support/c/fake_store.h"
#include "../../support/c/stage.h"
#include "net/redis_url.h"
#include "share/node_connection.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define NODE_TIMEOUT_MS 50

static struct {
    struct fake_store store;
    struct node_connection *node;
    struct share_counts counts;
    unsigned ups, downs;
    char fault[SHARE_FAULT_SIZE]; /* of the last `down` */
    bool mute;                    /* the store reads, and does not answer */
    bool deaf;                    /* it does not even read */
    size_t piece;                 /* bytes that it writes at once; 0: all */
    const char *answer;           /* instead of what it would say to a greeting; NULL: that */
    char log[4096];               /* "PING|SELECT 3|" */
} on;

static inline void node_note(const struct fake_store_command *command)
{
    for (unsigned i = 0; i < command->argc; i++) {
        size_t used = strlen(on.log);
        snprintf(on.log + used, sizeof on.log - used, "%s%.*s", i ? " " : "",
                 (int)(command->args[i].length < 32 ? command->args[i].length : 32),
                 command->args[i].at);
    }
    size_t used = strlen(on.log);
    snprintf(on.log + used, sizeof on.log - used, "|");
}

/* What is not a greeting is echoed: "ECHO a" gets the bulk string "a". */
static inline void node_serve_client(struct fake_store_client *client)
{
    struct fake_store_command command;

    if (!on.deaf && fake_store_read(client) == FAKE_STORE_CLOSED) {
        fake_store_hang_up(client);
        return;
    }
    while (!on.deaf && fake_store_next(client, &command)) {
        node_note(&command);
        if (on.mute)
            continue;
        if (on.answer)
            fake_store_put(client, "%s", on.answer);
        else if (!fake_store_greet(client, &command))
            fake_store_put_bulk(client, command.args[command.argc - 1].at,
                                command.args[command.argc - 1].length);
    }
    fake_store_write(client, on.piece ? on.piece : SIZE_MAX);
}

static inline void node_serve(void)
{
    while (fake_store_accept(&on.store))
        ;
    for (unsigned i = 0; i < FAKE_STORE_CLIENTS; i++)
        if (on.store.clients[i].fd >= 0)
            node_serve_client(&on.store.clients[i]);
}

static inline void node_settle(void)
{
    for (int i = 0; i < 12; i++) {
        node_serve();
        stage_round();
    }
}

static inline void node_pass(int64_t ms)
{
    stage.now = mono_add_ms(stage.now, ms);
    node_settle();
}

static inline void on_up(void *ctx)
{
    (void)ctx;
    on.ups++;
}

static inline void on_down(void *ctx, const char *fault)
{
    (void)ctx;
    on.downs++;
    snprintf(on.fault, sizeof on.fault, "%s", fault);
}

static inline void node_open_store(void)
{
    signal(SIGPIPE, SIG_IGN); /* as main() does */
    memset(&on, 0, sizeof on);
    stage_open();
    cr_assert(fake_store_open(&on.store));
}

static inline struct redis_url node_unix_url(void)
{
    struct redis_url url = {.is_unix = true};

    snprintf(url.host, sizeof url.host, "%s", on.store.path);
    return url;
}

static inline struct redis_url node_tcp_url(void)
{
    return (struct redis_url){.host = "127.0.0.1", .port = on.store.port};
}

static inline void node_open_to(struct redis_url url)
{
    const struct node_connection_options options = {.loop = stage.loop,
                                                    .url = url,
                                                    .timeout_ms = NODE_TIMEOUT_MS,
                                                    .seed = 1,
                                                    .counts = &on.counts,
                                                    .events = {.up = on_up, .down = on_down}};

    on.node = node_connection_new(&options);
    cr_assert_not_null(on.node);
    stage_round();
}

/* Connected to the unix socket, and up. */
static inline void node_open(void)
{
    node_open_store();
    node_open_to(node_unix_url());
    node_settle();
    cr_assert(node_connection_ready(on.node));
    cr_assert_eq(on.ups, 1);
    on.log[0] = '\0';
}

static inline void node_close(void)
{
    node_connection_free(on.node);
    fake_store_close(&on.store);
    stage_close();
}

static inline struct share_node_status node_status(void)
{
    struct share_node_status status;

    node_connection_status(on.node, &status);
    return status;
}

/* The one client that is connected. */
static inline struct fake_store_client *node_client(void)
{
    struct fake_store_client *found = NULL;

    for (unsigned i = 0; i < FAKE_STORE_CLIENTS; i++)
        if (on.store.clients[i].fd >= 0)
            found = &on.store.clients[i];
    cr_assert_not_null(found);
    return found;
}

/* ---- Commands of the test */

static inline bool node_send_text(const char *text, node_reply_fn *reply, void *ctx)
{
    const char *argv[] = {"ECHO", text};
    const size_t lengths[] = {4, strlen(text)};

    return node_connection_send(on.node, 2, argv, lengths, false, reply, ctx);
}

#endif
