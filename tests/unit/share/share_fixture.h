/* SPDX-License-Identifier: MIT */
/* The shared tier in front of up to three fake stores, with a clock that stands still until it is moved. The
 * stores have a few keys, reply when they are told to, and keep a protocol of what they were sent. */
#ifndef SHARE_FIXTURE_H
#define SHARE_FIXTURE_H

#include "core/loop.h"
#include "share/share.h"
#include "json/shared_host.h"

#include "../../support/c/fake_store.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define TIER_STORES 3
#define TIER_PROTOCOL 65536

struct tier_store {
    struct fake_store fake;
    bool mute;                    /* reads nothing */
    char protocol[TIER_PROTOCOL]; /* a line for each command, without those of a login */
    char *slots;                  /* its reply to CLUSTER SLOTS; NULL: it is in no cluster */
    const char *on_read, *on_set, *on_expire; /* replies; NULL: as a store that is well */
};

static struct {
    struct mono now;
    int64_t wall;
    struct loop *loop;
    struct tier_store stores[TIER_STORES];
    unsigned hosts;
    struct {
        struct p0f_addr addr;
        char field[32], value[SHARED_HOST_MAX];
    } host[8]; /* in all stores */
    struct share *share;
    struct share_status status;
} tier;

/* What has become of a query. */
struct tier_query {
    struct share_query query;
    unsigned answers;
    enum share_result result;
    struct share_found found;
};

static inline struct mono tier_clock(void)
{
    return tier.now;
}

static inline int64_t tier_wall(void)
{
    return tier.wall;
}

static inline struct p0f_addr tier_addr(const char *text)
{
    struct p0f_addr addr;

    cr_assert_eq(p0f_addr_parse(text, strlen(text), &addr), P0F_OK);
    return addr;
}

/* A host seen so many seconds ago. */
static inline struct p0f_host tier_host(int64_t ago)
{
    return (struct p0f_host){.dialect = P0F_DIALECT_P0F3,
                             .first_seen = 1000,
                             .last_seen = (uint32_t)(tier.wall - ago),
                             .total_conn = 1,
                             .distance = 3,
                             .os_name = "Linux"};
}

/* ---- The stores */

static inline void tier_add(const char *addr, const char *sensor, int64_t ago)
{
    struct p0f_host host = tier_host(ago);

    tier.host[tier.hosts].addr = tier_addr(addr);
    strcpy(tier.host[tier.hosts].field, sensor);
    size_t length = shared_host_write(&tier.host[tier.hosts].addr, &host, sensor, tier.wall - ago,
                                      tier.host[tier.hosts].value);
    cr_assert_gt(length, 0);
    tier.host[tier.hosts++].value[length] = '\0';
}

static inline bool tier_is_of(unsigned host, const struct fake_store_command *command)
{
    char key[64] = "p0f:";

    p0f_addr_format(&tier.host[host].addr, key + 4);
    return fake_store_is(command, 1, key);
}

static inline void tier_reply_fields(struct fake_store_client *client,
                                     const struct fake_store_command *command)
{
    unsigned count = 0;

    for (unsigned i = 0; i < tier.hosts; i++)
        count += tier_is_of(i, command);
    fake_store_put(client, "*2\r\n$1\r\n0\r\n*%u\r\n", 2 * count);
    for (unsigned i = 0; i < tier.hosts; i++)
        if (tier_is_of(i, command)) {
            fake_store_put_bulk(client, tier.host[i].field, strlen(tier.host[i].field));
            fake_store_put_bulk(client, tier.host[i].value, strlen(tier.host[i].value));
        }
}

static inline void tier_record(struct tier_store *store, const struct fake_store_command *command)
{
    size_t used = strlen(store->protocol);

    for (unsigned i = 0; i < command->argc; i++) {
        bool value = fake_store_is(command, 0, "HSET") && i == 3;
        used += (size_t)snprintf(store->protocol + used, TIER_PROTOCOL - used, "%s%.*s",
                                 i == 0 ? "" : " ", value ? 1 : (int)command->args[i].length,
                                 value ? "V" : command->args[i].at);
    }
    snprintf(store->protocol + used, TIER_PROTOCOL - used, "\n");
}

static inline void tier_reply(struct tier_store *store, struct fake_store_client *client,
                              const struct fake_store_command *command)
{
    bool is_login = fake_store_is(command, 0, "PING") || fake_store_is(command, 0, "SELECT");

    if (!is_login)
        tier_record(store, command);
    if (fake_store_greet(client, command))
        return;
    if (fake_store_is(command, 0, "CLUSTER"))
        fake_store_put(client, "%s",
                       store->slots ? store->slots
                                    : "-ERR This instance has cluster support disabled\r\n");
    else if (fake_store_is(command, 0, "HSET"))
        fake_store_put(client, "%s", store->on_set ? store->on_set : ":1\r\n");
    else if (fake_store_is(command, 0, "PEXPIRE"))
        fake_store_put(client, "%s", store->on_expire ? store->on_expire : ":1\r\n");
    else if (store->on_read)
        fake_store_put(client, "%s", store->on_read);
    else
        tier_reply_fields(client, command);
}

static inline void tier_serve_client(struct tier_store *store, struct fake_store_client *client)
{
    struct fake_store_command command;
    enum fake_store_read got = fake_store_read(client);

    while (fake_store_next(client, &command))
        tier_reply(store, client, &command);
    fake_store_write(client, SIZE_MAX);
    if (got == FAKE_STORE_CLOSED)
        fake_store_hang_up(client);
}

static inline void tier_serve(void)
{
    for (unsigned i = 0; i < TIER_STORES; i++) {
        struct tier_store *store = &tier.stores[i];
        while (store->fake.tcp_listener >= 0 && fake_store_accept(&store->fake))
            continue;
        for (unsigned c = 0; c < FAKE_STORE_CLIENTS && !store->mute; c++)
            if (store->fake.clients[c].fd >= 0)
                tier_serve_client(store, &store->fake.clients[c]);
    }
}

/* What the store was sent since the last time. */
static inline void tier_expect(unsigned store, const char *protocol)
{
    cr_assert_str_eq(tier.stores[store].protocol, protocol, "store %u was sent:\n%s", store,
                     tier.stores[store].protocol);
    tier.stores[store].protocol[0] = '\0';
}

static inline void tier_forget_protocols(void)
{
    for (unsigned i = 0; i < TIER_STORES; i++)
        tier.stores[i].protocol[0] = '\0';
}

/* ---- The loop */

static inline void tier_stop_loop(void *loop)
{
    loop_stop(loop);
}

static inline void tier_settle(void)
{
    for (int i = 0; i < 16; i++) {
        struct loop_timer stop = {.fire = tier_stop_loop, .ctx = tier.loop};
        loop_arm(tier.loop, &stop, tier.now);
        cr_assert_eq(loop_run(tier.loop), 0);
        tier_serve();
    }
}

static inline void tier_pass(int64_t ms)
{
    tier.now = mono_add_ms(tier.now, ms);
    tier_settle();
}

/* ---- The tier */

static inline const struct share_counts *tier_counts(void)
{
    share_status(tier.share, &tier.status);
    return &tier.status.counts;
}

static inline void tier_open(void)
{
    memset(&tier, 0, sizeof tier);
    tier.now.ns = INT64_C(1000000000000);
    tier.wall = 1700000000;
    for (unsigned i = 0; i < TIER_STORES; i++)
        cr_assert(fake_store_open(&tier.stores[i].fake));
    tier.loop = loop_new(tier_clock);
    cr_assert_not_null(tier.loop);
}

static inline struct share *tier_new(const char *server)
{
    const struct share_options options = {
        .loop = tier.loop,
        .wall = tier_wall,
        .server = server,
        .prefix = "p0f:",
        .times = {.ttl = 7200000, .timeout = 50, .write_interval = 30000},
        .max_hosts = 1000,
        .seed = 1,
    };
    char error[SHARE_ERROR_SIZE];

    tier.share = share_new(&options, error);
    cr_assert_not_null(tier.share, "%s", error);
    tier_settle();
    return tier.share;
}

static inline void tier_start(void)
{
    char server[256];

    tier_open();
    snprintf(server, sizeof server, "redis://127.0.0.1:%u", tier.stores[0].fake.port);
    tier_new(server);
    tier_forget_protocols();
}

static inline void tier_finish(void)
{
    share_free(tier.share);
    tier.share = NULL;
    loop_free(tier.loop);
    for (unsigned i = 0; i < TIER_STORES; i++) {
        free(tier.stores[i].slots);
        fake_store_close(&tier.stores[i].fake);
    }
}

/* ---- Queries */

static inline void tier_answer(void *ctx, enum share_result result, const struct share_found *found)
{
    struct tier_query *query = ctx;

    query->answers++;
    query->result = result;
    cr_assert_eq(found != NULL, result == SHARE_FOUND);
    if (found)
        query->found = *found;
}

/* Whether it was asked. */
static inline bool tier_try(struct tier_query *query, const char *addr)
{
    *query = (struct tier_query){
        .query = {.addr = tier_addr(addr), .answer = tier_answer, .ctx = query}};
    bool asked = share_ask(tier.share, &query->query);
    cr_assert_eq(query->answers, 0, "answered before share_ask() has returned");
    return asked;
}

/* Asks, and lets everything happen that can happen now. */
static inline struct tier_query tier_ask(const char *addr)
{
    struct tier_query query;

    cr_assert(tier_try(&query, addr), "not asked");
    tier_settle();
    cr_assert_eq(query.answers, 1);
    return query;
}

static inline void tier_write(const char *addr, const struct p0f_host *host)
{
    const struct p0f_addr of = tier_addr(addr);

    share_write(tier.share, &of, host, "web1");
    tier_settle();
}

#endif
