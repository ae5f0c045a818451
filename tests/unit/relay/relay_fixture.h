/* SPDX-License-Identifier: MIT */
/* A relay on the stage (tests/support/c/stage.h), and clients of it, which never block. */
#ifndef RELAY_FIXTURE_H
#define RELAY_FIXTURE_H

#include "../../support/c/stage.h"
#include "core/metrics.h"
#include "lookup/lookup.h"
#include "relay/relay.h"
#include "relay/relay_client.h"
#include "relay/relay_query.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

static struct sensors *sensors;
static struct recall *recall;
static struct lookup *lookup;
static struct relay *relay;

/* For tests that need others, before setup(). */
static uint32_t max_lookups = 8, max_pending = 16, max_connections = 20;

static inline void setup(void)
{
    stage_open();
    stage_p0f_start();
    const struct sensors_options sensors_options = {
        .sensors = {{.name = "", .socket = stage.p0f.socket.path}},
        .count = 1,
        .connections = 1,
        .pipeline = 64};
    /* ttl, incomplete, negative, stale_while_revalidate, stale_if_error */
    const struct recall_options recall_options = {
        .max_hosts = 99, .max_misses = 99, .times = {30000, 30000, 1000, 30000, 3600000}};
    const struct lookup_limits limits = {
        .timeout = 1000, .first_contact_wait = 20, .max_pending = max_pending};
    sensors = sensors_new(stage.loop, &sensors_options);
    recall = recall_new(&recall_options);
    lookup = lookup_new(stage.loop, recall, &(struct gather_parts){.sensors = sensors},
                        stage_boottime, (struct hash_key){1, 2}, &limits);
    relay = relay_new(&(struct relay_options){.loop = stage.loop,
                                              .lookup = lookup,
                                              .max_connections = max_connections,
                                              .max_lookups = max_lookups});
    cr_assert(sensors && recall && lookup && relay);
    stage_settle();
}

static inline void ignore(void *ctx)
{
    (void)ctx;
}

static inline void teardown(void)
{
    relay_free(relay);
    cr_assert_eq(lookup_pending(lookup), 0);
    stage.holding = stage.mute = false;
    stage_settle();
    sensors_retire(sensors, ignore, NULL);
    stage_settle();
    lookup_free(lookup);
    sensors_free(sensors);
    recall_free(recall);
    stage_close();
    max_lookups = 8;
    max_pending = 16;
    max_connections = 20;
}

static inline uint64_t counted(enum metric metric)
{
    static struct metrics_snapshot snapshot;

    metrics_read(&snapshot);
    return snapshot.counters[metric];
}

/* ---- Clients, by their sockets */

/* -1 with relay_take()'s errno: refused. */
static inline int try_to_connect(void)
{
    int ends[2];

    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    errno = 0;
    if (relay_take(relay, ends[0]))
        return ends[1];
    int problem = errno;
    close(ends[1]);
    errno = problem;
    return -1;
}

static inline int connect_client(void)
{
    int client = try_to_connect();

    cr_assert_geq(client, 0);
    return client;
}

static inline void send_bytes(int client, const void *bytes, size_t length)
{
    cr_assert_eq(send(client, bytes, length, MSG_NOSIGNAL), (ssize_t)length);
}

static inline void ask_addr(int client, const struct p0f_addr *addr)
{
    uint8_t query[P0F_QUERY_SIZE];

    p0f_query_pack(addr, query);
    send_bytes(client, query, sizeof query);
}

static inline void ask(int client, const char *text)
{
    const struct p0f_addr addr = stage_addr(text);

    ask_addr(client, &addr);
}

static inline void expect_nothing(int client)
{
    char byte;

    cr_assert_eq(recv(client, &byte, 1, 0), -1, "an answer, or the end");
    cr_assert_eq(errno, EAGAIN, "%s", strerror(errno));
}

static inline void expect_closed(int client)
{
    char byte;

    cr_assert_eq(recv(client, &byte, 1, 0), 0, "not closed");
    close(client);
}

/* As it is when a query gets no answer. */
static inline void expect_reset(int client)
{
    char byte;

    cr_assert_eq(recv(client, &byte, 1, 0), -1, "not reset");
    cr_assert_eq(errno, ECONNRESET, "%s", strerror(errno));
    close(client);
}

/* The next answer, which has this status. */
static inline struct p0f_answer expect_answer(int client, uint32_t status)
{
    uint8_t bytes[RELAY_ANSWER_SIZE];
    struct p0f_answer answer;

    cr_assert_eq(recv(client, bytes, sizeof bytes, 0), (ssize_t)sizeof bytes, "no whole answer");
    cr_assert_eq(p0f_answer_unpack(bytes, sizeof bytes, P0F_DIALECT_P0F3, &answer),
                 RELAY_ANSWER_SIZE);
    cr_assert_eq(answer.status, status, "status %x", answer.status);
    return answer;
}

/* Has p0f asked for a host and cached. */
static inline void learn(const char *text)
{
    int client = connect_client();

    ask(client, text);
    stage_settle();
    expect_answer(client, P0F_STATUS_OK);
    close(client);
    stage_settle();
}

#endif
