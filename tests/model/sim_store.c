/* SPDX-License-Identifier: MIT */
#include "sim_store.h"

#include "../support/c/fake_store.h"
#include "model.h"
#include "shelf.h"
#include "told.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_MS INT64_C(1000000)

/* What the model keeps for each slot of the fake. */
struct delay {
    struct mono until; /* nothing is written before */
    bool last;         /* hangs up within this reply */
    bool set_ok;       /* the last HSET was done */
    uint32_t set_host; /* of that */
};

static struct {
    struct fake_store store;
    struct delay delays[FAKE_STORE_CLIENTS];
    char server[96];
} sim;

static struct chance *const chance = &model.chance;

/* ---- Its life */

void sim_store_open(void)
{
    model_check(fake_store_open(&sim.store), "no directory for the store: %s", strerror(errno));
    snprintf(sim.server, sizeof sim.server, "unix:%s", sim.store.path);
    fake_store_stop(&sim.store);
}

void sim_store_close(void)
{
    fake_store_close(&sim.store);
}

const char *sim_store_server(void)
{
    return sim.server;
}

bool sim_store_runs(void)
{
    return sim.store.unix_listener >= 0;
}

void sim_store_start(void)
{
    model_check(fake_store_start(&sim.store), "the store cannot listen: %s", strerror(errno));
    model_tell("the store starts");
    told_trouble(false);
}

void sim_store_stop(void)
{
    if (!sim_store_runs())
        return;
    fake_store_stop(&sim.store);
    model_tell("the store ends");
    told_trouble(false);
    shelf_clear();
}

static struct delay *delay_of(const struct fake_store_client *client)
{
    return &sim.delays[client - sim.store.clients];
}

static void lose_client(struct fake_store_client *client)
{
    told_trouble(false);
    fake_store_hang_up(client);
}

void sim_store_hang_up(void)
{
    struct fake_store_client *client = sim.store.clients;

    while (client < sim.store.clients + FAKE_STORE_CLIENTS && client->fd < 0)
        client++;
    if (client == sim.store.clients + FAKE_STORE_CLIENTS)
        return;
    model_tell("the store hangs up");
    model.counts.tier_hang_ups++;
    lose_client(client);
}

/* ---- Replies */

static void reply_hash(struct fake_store_client *client, uint32_t host)
{
    struct shelf_field field;
    unsigned count = shelf_tell(host);

    fake_store_put(client, "*2\r\n$1\r\n%s\r\n*%u\r\n", chance_permille(chance, 20) ? "7" : "0",
                   2 * count);
    for (unsigned i = 0; i < count; i++) {
        shelf_field(host, i, &field);
        fake_store_put_bulk(client, field.name, strlen(field.name));
        fake_store_put_bulk(client, field.value, field.length);
    }
}

/* As a server would that is in trouble, or is something else than was thought. */
static void reply_error(struct fake_store_client *client)
{
    static const char *const errors[] = {
        "OOM command not allowed when used memory > 'maxmemory'.",
        "READONLY You can't write against a read only replica.",
        "LOADING Redis is loading the dataset in memory",
        "NOPERM this user has no permissions to run the command",
        "NOAUTH Authentication required.",
        "BUSY Redis is busy running a script.",
        "MASTERDOWN Link with MASTER is down",
        "MOVED 1 127.0.0.1:0",
        "ASK 1 ",
        "CLUSTERDOWN Hash slot not served",
        "ERR unknown command",
    };

    told_trouble(false);
    model.counts.tier_errors++;
    fake_store_put(client, "-%s\r\n",
                   errors[chance_below(chance, sizeof errors / sizeof errors[0])]);
}

/* Returns whether it takes the place of the reply. */
static bool reply_nonsense(struct fake_store_client *client)
{
    static const char *const nonsense[] = {
        "HTTP/1.1 400 Bad Request\r\n\r\n",
        "$-1\r\n",
        "*-1\r\n",
        ":99999999999\r\n",
        "*2\r\n$1\r\n0\r\n$4\r\nwhat\r\n",
        "*2\r\n$1\r\n0\r\n*1\r\n$4\r\nodd.\r\n",
        "*2\r\n$1\r\n0\r\n*2\r\n:1\r\n:2\r\n",
        "*3\r\n+a\r\n+b\r\n+c\r\n",
        "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*0\r\n",
        "*400000000\r\n",
        "$2000000\r\nthat is",
        "+\r\n",
        "-\r\n",
        "\r\n",
    };

    told_trouble(true);
    model.counts.tier_nonsense++;
    fake_store_put(client, "%s",
                   nonsense[chance_below(chance, sizeof nonsense / sizeof nonsense[0])]);
    return chance_permille(chance, 700);
}

static void do_command(struct fake_store_client *client, const struct fake_store_command *command)
{
    struct delay *delay = delay_of(client);
    const struct fake_store_arg *args = command->args;

    if (fake_store_greet(client, command)) {
        told_answered(); /* it is a PING */
        return;
    }
    if (fake_store_is(command, 0, "CLUSTER")) {
        fake_store_put(client, "-ERR This instance has cluster support disabled\r\n");
        return;
    }
    model_check(command->argc >= 3, "the command %.*s", (int)args[0].length, args[0].at);
    uint32_t host = shelf_host(args[1].at, args[1].length);
    if (fake_store_is(command, 0, "HSCAN")) {
        reply_hash(client, host);
    } else if (fake_store_is(command, 0, "HSET")) {
        model_check(command->argc == 4, "HSET with %u arguments", command->argc);
        shelf_write(host, args[2].at, args[2].length, args[3].at, args[3].length);
        delay->set_ok = true;
        delay->set_host = host;
        fake_store_put(client, ":%u\r\n", chance_below(chance, 2));
    } else {
        model_check(fake_store_is(command, 0, "PEXPIRE"), "the command %.*s", (int)args[0].length,
                    args[0].at);
        model_check(!delay->set_ok || delay->set_host == host,
                    "host %u expires behind a write of host %u", host, delay->set_host);
        shelf_expire(host, strtoll(args[2].at, NULL, 10));
        if (delay->set_ok)
            shelf_written(host);
        delay->set_ok = false;
        fake_store_put(client, ":1\r\n");
    }
}

static void compose(struct fake_store_client *client, const struct fake_store_command *command)
{
    const struct store_mood *mood = &model.mood.store;
    struct delay *delay = delay_of(client);

    /* A PEXPIRE comes right behind its HSET, as a rule. */
    delay->set_ok = delay->set_ok && fake_store_is(command, 0, "PEXPIRE");
    if (chance_permille(chance, mood->late)) {
        int64_t ms = (int64_t)CHANCE_ONE_OF(chance, 1, 20, 60, 400, 6000);
        delay->until = mono_add_ms(model.now, ms);
        model.counts.tier_delays++;
        told_trouble(false);
    }
    if (chance_permille(chance, mood->nonsense) && reply_nonsense(client))
        return;
    if (chance_permille(chance, mood->errors)) {
        reply_error(client);
        return;
    }
    if (fake_store_is(command, 0, "HSCAN") && chance_permille(chance, mood->wrong_types)) {
        told_add(shelf_host(command->args[1].at, command->args[1].length));
        model.counts.tier_wrong_types++;
        fake_store_put(client, "-WRONGTYPE Operation against a key holding the wrong kind of "
                               "value\r\n");
        return;
    }
    do_command(client, command);
}

/* False when the daemon has to read first, or it is not the time. */
static bool write_some(struct fake_store_client *client)
{
    struct delay *delay = delay_of(client);
    size_t length = client->out_length;

    if (mono_before(model.now, delay->until))
        return false;
    if (length > 1 && chance_permille(chance, model.mood.store.splits)) {
        length = chance_between(chance, 1, (uint32_t)length - 1);
        model.counts.tier_splits++;
    }
    size_t sent = fake_store_write(client, length);
    if (client->out_length == 0)
        told_sent();
    if (chance_permille(chance, model.mood.store.hang_ups)) {
        model.counts.tier_hang_ups++;
        lose_client(client);
    }
    return sent > 0;
}

static bool serve(struct fake_store_client *client)
{
    struct fake_store_command command;
    bool busy = false;

    if (client->out_length > 0)
        return write_some(client);
    switch (fake_store_read(client)) {
    case FAKE_STORE_CLOSED:
        model_tell("the daemon leaves the store");
        lose_client(client);
        return true;
    case FAKE_STORE_IDLE:
    case FAKE_STORE_GOT:
        break;
    }
    for (uint32_t n = chance_between(chance, 1, 8); n > 0 && fake_store_next(client, &command);
         n--) {
        compose(client, &command);
        busy = true;
    }
    return busy;
}

bool sim_store_round(void)
{
    struct fake_store_client *client;
    bool busy = false;

    if (!sim_store_runs())
        return false;
    while ((client = fake_store_accept(&sim.store)))
        *delay_of(client) = (struct delay){0};
    for (unsigned i = 0; i < FAKE_STORE_CLIENTS; i++)
        if (sim.store.clients[i].fd >= 0)
            busy = serve(&sim.store.clients[i]) || busy;
    return busy;
}
