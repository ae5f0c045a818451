/* SPDX-License-Identifier: MIT */
/* Any bytes are a script for some clients of the relay and the p0f behind it: what is sent, and where it is
 * cut, what is read, who closes how, when p0f answers, or fails, and how time passes. Each client gets an
 * answer to each whole query that it has sent, of 232 bytes, in order, and about the right host. It is
 * closed for no other reason than that it has half-closed, or p0f has failed; then, too, it has got whole
 * answers. p0f sees no connection closed that is owed an answer, and nothing is left in the end. */
#include "../support/c/fake_p0f.h"
#include "holds.h"
#include "lookup/lookup.h"
#include "relay/relay.h"
#include "relay/relay_query.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CLIENTS 4u
#define SENT_MAX (64u * 1024) /* by one client */
#define P0F_SLOTS 8u
#define LOOKUPS_MAX 10u
#define HOSTS_MAX 16u                         /* in the cache */
#define MAX_PENDING (LOOKUPS_MAX + HOSTS_MAX) /* all of them could be refreshed meanwhile */
#define TIMEOUT_MS 1000
#define RAW_MAX 64u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct client {
    int fd; /* -1: it has closed */
    bool half_closed;
    bool ended; /* by the relay */
    size_t sent, received;
    uint8_t bytes[SENT_MAX];
    uint8_t answer[RELAY_ANSWER_SIZE]; /* that has come in part */
};

static struct play {
    const uint8_t *at, *end; /* of the script */
    struct mono now;
    struct loop *loop;
    struct sensors *sensors;
    struct recall *recall;
    struct lookup *lookup;
    struct relay *relay;
    uint32_t lookups; /* at the end of the last round */
    bool holding;     /* p0f answers only what new connections begin with */
    int64_t held_ms;
    bool spoils;  /* its next answer */
    bool trouble; /* it has failed, so the relay may close connections */
} play;

static struct client clients[CLIENTS];
static struct fake_p0f p0f;

static uint8_t next_byte(void)
{
    return play.at < play.end ? *play.at++ : 0;
}

static struct mono now(void)
{
    return play.now;
}

static struct boottime boottime_now(void)
{
    return (struct boottime){play.now.ns};
}

/* ---- p0f */

static uint32_t mark_of(const struct p0f_addr *addr)
{
    uint32_t mark = 2166136261u; /* FNV-1a */

    for (size_t i = 0; i < sizeof addr->bytes; i++)
        mark = (mark ^ addr->bytes[i]) * 16777619u;
    return mark;
}

static struct p0f_answer answer_about(const struct p0f_addr *addr)
{
    if (!fake_p0f_knows(addr))
        return fake_p0f_no_match(addr);
    return (struct p0f_answer){.status = P0F_STATUS_OK, .host = {.total_conn = mark_of(addr)}};
}

/* Those with which a connection begins, and readiness. */
static bool is_probe(const struct p0f_addr *addr)
{
    static const struct p0f_addr none = {.type = 4};

    return memcmp(addr, &none, sizeof none) == 0;
}

static void serve_link(struct fake_p0f_client *link)
{
    enum fake_p0f_read got;

    while ((got = fake_p0f_read(link, FAKE_P0F_QUERIES_MAX)) == FAKE_P0F_GOT)
        continue;
    if (got == FAKE_P0F_CLOSED) {
        HOLDS(!fake_p0f_has_outstanding(link));
        fake_p0f_hang_up(link);
        return;
    }
    while (link->count > 0 && (!play.holding || is_probe(&link->outstanding[0]))) {
        const struct p0f_answer answer = answer_about(&link->outstanding[0]);
        bool spoiled = play.spoils && !is_probe(&link->outstanding[0]);
        uint8_t *bytes = fake_p0f_answer(link, &answer, P0F_DIALECT_P0F3);
        if (spoiled)
            fake_p0f_spoil(bytes, FAKE_P0F_BAD_MAGIC);
        play.spoils = play.spoils && !spoiled;
        HOLDS(fake_p0f_write(link, SIZE_MAX) > 0 && link->out_length == 0);
    }
}

static void serve(void)
{
    while (fake_p0f_accept(&p0f, P0F_SLOTS))
        continue;
    for (unsigned i = 0; i < P0F_SLOTS; i++)
        if (p0f.clients[i].fd >= 0)
            serve_link(&p0f.clients[i]);
}

static void hang_up(void)
{
    for (unsigned i = 0; i < P0F_SLOTS; i++)
        if (p0f.clients[i].fd >= 0)
            fake_p0f_hang_up(&p0f.clients[i]);
    play.trouble = true;
}

/* ---- The loop */

static void stop(void *ctx)
{
    loop_stop(ctx);
}

static void run_round(void)
{
    struct loop_timer timer = {.fire = stop, .ctx = play.loop};
    struct relay_counts counts;

    loop_arm(play.loop, &timer, play.now);
    HOLDS(loop_run(play.loop) == 0);
    counts = relay_counts(play.relay);
    /* There may be more from before the limit was lowered. */
    HOLDS(counts.lookups <= counts.max_lookups || counts.lookups <= play.lookups);
    play.lookups = counts.lookups;
    HOLDS(lookup_pending(play.lookup) <= counts.lookups + HOSTS_MAX);
}

static void settle(void)
{
    for (int i = 0; i < 6; i++) {
        serve();
        run_round();
    }
}

static void pass(int64_t ms)
{
    play.held_ms = play.holding ? play.held_ms + ms : 0;
    /* Nor is anything done in so long a time. */
    bool late = play.held_ms >= TIMEOUT_MS || (ms >= TIMEOUT_MS && lookup_pending(play.lookup) > 0);
    play.trouble = play.trouble || late;
    play.now = mono_add_ms(play.now, ms);
    settle();
}

/* ---- Clients */

static void open_client(struct client *client, bool narrow)
{
    int ends[2], size = 1; /* the least that there is */

    memset(client, 0, offsetof(struct client, bytes));
    HOLDS(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
    if (narrow)
        setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    HOLDS(relay_take(play.relay, ends[0]));
    client->fd = ends[1];
}

static void send_bytes(struct client *client, const uint8_t *bytes, size_t length)
{
    if (client->fd < 0 || client->half_closed || length > SENT_MAX - client->sent || length == 0)
        return;
    ssize_t count = send(client->fd, bytes, length, MSG_NOSIGNAL);
    if (count < 0) {
        HOLDS(errno == EAGAIN || (play.trouble && (errno == EPIPE || errno == ECONNRESET)));
        return;
    }
    memcpy(client->bytes + client->sent, bytes, (size_t)count);
    client->sent += (size_t)count;
}

static size_t asked_by(const struct client *client)
{
    return client->sent / P0F_QUERY_SIZE;
}

/* The answer to its `number`th query. */
static void check_answer(const struct client *client, size_t number)
{
    const uint8_t *query = client->bytes + number * P0F_QUERY_SIZE;
    struct p0f_answer expected = {.status = P0F_STATUS_BADQUERY};
    uint8_t bytes[P0F_ANSWER_MAX];
    struct p0f_addr addr;

    HOLDS(number < asked_by(client));
    if (p0f_query_unpack(query, &addr)) {
        if (addr.type == 4)
            memset(addr.bytes + 4, 0, 12);
        expected = answer_about(&addr);
    }
    HOLDS(p0f_answer_pack(&expected, P0F_DIALECT_P0F3, bytes) == RELAY_ANSWER_SIZE);
    HOLDS(memcmp(client->answer, bytes, RELAY_ANSWER_SIZE) == 0);
}

/* The relay has closed it. */
static void check_end(struct client *client)
{
    HOLDS(client->received % RELAY_ANSWER_SIZE == 0);
    HOLDS(play.trouble ||
          (client->half_closed && client->received == asked_by(client) * RELAY_ANSWER_SIZE));
    client->ended = true;
    close(client->fd);
    client->fd = -1;
}

/* One recv(), of what is missing in the answer and no more than `max`. True when something came. */
static bool read_some(struct client *client, size_t max)
{
    size_t at = client->received % RELAY_ANSWER_SIZE;
    size_t room = RELAY_ANSWER_SIZE - at;

    if (client->fd < 0)
        return false;
    ssize_t count = recv(client->fd, client->answer + at, max < room ? max : room, 0);
    if (count <= 0) {
        if (count == 0 || errno == ECONNRESET) /* with something unread at its end */
            check_end(client);
        else
            HOLDS(errno == EAGAIN);
        return false;
    }
    client->received += (size_t)count;
    if (client->received % RELAY_ANSWER_SIZE == 0)
        check_answer(client, client->received / RELAY_ANSWER_SIZE - 1);
    return true;
}

static void close_client(struct client *client)
{
    if (client->fd >= 0)
        close(client->fd);
    client->fd = -1;
}

/* ---- The script */

static void send_raw(struct client *client)
{
    size_t length = next_byte() % RAW_MAX, left = (size_t)(play.end - play.at);

    if (length > left)
        length = left;
    send_bytes(client, play.at, length);
    play.at += length;
}

/* What the kind says: a known host or a stranger, with or without what p0f does not look at, or none. */
static size_t make_query(uint8_t kind, uint8_t host, uint8_t out[P0F_QUERY_SIZE])
{
    struct p0f_addr addr = {4, {10, 0, 0, host}};

    if (kind % 8 == 1)
        addr.bytes[0] = 192;
    if (kind % 8 == 2)
        addr.bytes[15] = kind;
    if (kind % 8 == 3)
        addr.type = 6;
    if (kind % 8 == 4)
        addr.type = kind;
    p0f_query_pack(&addr, out);
    if (kind % 8 == 5)
        out[kind % 4] ^= 1;
    return P0F_QUERY_SIZE;
}

static void send_queries(struct client *client, unsigned count)
{
    uint8_t bytes[40 * P0F_QUERY_SIZE];
    size_t length = 0;

    for (; count > 0; count--)
        length += make_query(next_byte(), next_byte(), bytes + length);
    send_bytes(client, bytes, length);
}

static void send_cut(struct client *client)
{
    uint8_t bytes[P0F_QUERY_SIZE];
    size_t cut = next_byte() % P0F_QUERY_SIZE;

    make_query(next_byte(), next_byte(), bytes);
    send_bytes(client, bytes, cut);
    run_round();
    send_bytes(client, bytes + cut, P0F_QUERY_SIZE - cut);
}

static void half_close(struct client *client)
{
    if (client->fd >= 0)
        shutdown(client->fd, SHUT_WR);
    client->half_closed = true;
}

static void step(void)
{
    static const int64_t times[] = {1, 5, 20, 400, TIMEOUT_MS, 3000, 40000, 100000};
    uint8_t what = next_byte();
    struct client *client = &clients[what / 16u % CLIENTS];

    switch (what % 16) {
    case 0:
        send_raw(client);
        break;
    case 1:
    case 2:
    case 3:
        send_queries(client, what % 16u);
        break;
    case 4:
        send_queries(client, 40);
        break;
    case 5:
        send_cut(client);
        break;
    case 6:
        for (unsigned i = next_byte() % 64; i > 0 && read_some(client, RELAY_ANSWER_SIZE);)
            i--;
        break;
    case 7:
        read_some(client, 1u + next_byte());
        break;
    case 8:
        half_close(client);
        break;
    case 9:
        close_client(client);
        break;
    case 10:
        close_client(client);
        open_client(client, next_byte() % 2);
        break;
    case 11:
        play.holding = !play.holding;
        break;
    case 12:
        pass(times[next_byte() % 8]);
        break;
    case 13:
        hang_up();
        break;
    case 14:
        play.spoils = play.trouble = true;
        break;
    case 15:
        relay_set_max_lookups(play.relay, 1u + next_byte() % LOOKUPS_MAX);
        break;
    }
    if (what < 128)
        settle();
    else
        run_round();
}

/* ---- From start to end */

static void ignore(void *ctx)
{
    (void)ctx;
}

static void build(void)
{
    const struct sensors_options sensors = {.sensors = {{.name = "", .socket = p0f.socket.path}},
                                            .count = 1,
                                            .connections = 2,
                                            .pipeline = 4};
    const struct recall_options recall = {
        .max_hosts = HOSTS_MAX, .max_misses = 16, .times = {2000, 1000, 1000, 2000, 50000}};
    const struct lookup_limits limits = {
        .timeout = TIMEOUT_MS, .first_contact_wait = 20, .max_pending = MAX_PENDING};

    play.now.ns = INT64_C(1000000000000);
    play.loop = loop_new(now);
    play.sensors = sensors_new(play.loop, &sensors);
    play.recall = recall_new(&recall);
    play.lookup =
        lookup_new(play.loop, play.recall, &(struct gather_parts){.sensors = play.sensors},
                   boottime_now, (struct hash_key){1, 2}, &limits);
    play.relay = relay_new(&(struct relay_options){.loop = play.loop,
                                                   .lookup = play.lookup,
                                                   .max_connections = CLIENTS + 1,
                                                   .max_lookups = LOOKUPS_MAX});
    HOLDS(play.loop && play.sensors && play.recall && play.lookup && play.relay);
    settle();
    for (unsigned i = 0; i < CLIENTS; i++)
        open_client(&clients[i], i % 2);
}

/* Everybody reads, and p0f answers, until all have what they are owed. */
static void finish(void)
{
    play.holding = play.spoils = false;
    for (int quiet = 0; quiet < 8; quiet++) {
        pass(TIMEOUT_MS / 4);
        for (unsigned i = 0; i < CLIENTS; i++)
            while (read_some(&clients[i], RELAY_ANSWER_SIZE))
                quiet = 0;
    }
    for (unsigned i = 0; i < CLIENTS; i++) {
        const struct client *client = &clients[i];
        if (client->fd >= 0)
            HOLDS(client->received == asked_by(client) * RELAY_ANSWER_SIZE && !client->half_closed);
        close_client(&clients[i]);
    }
    settle();
    HOLDS(relay_counts(play.relay).connections == 0 && relay_counts(play.relay).lookups == 0);
}

static void tear_down(void)
{
    pass(2 * TIMEOUT_MS); /* refreshes, too, have ended */
    HOLDS(lookup_pending(play.lookup) == 0);
    relay_free(play.relay);
    sensors_retire(play.sensors, ignore, NULL);
    play.relay = NULL;
    for (int i = 0; i < 6; i++) {
        struct loop_timer timer = {.fire = stop, .ctx = play.loop};
        serve();
        loop_arm(play.loop, &timer, play.now);
        HOLDS(loop_run(play.loop) == 0);
    }
    lookup_free(play.lookup);
    sensors_free(play.sensors);
    recall_free(play.recall);
    loop_free(play.loop);
    hang_up();
}

static void end(void)
{
    fake_p0f_close(&p0f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!p0f.socket.path[0])
        HOLDS(fake_p0f_open(&p0f, NULL, P0F_SLOTS) && fake_p0f_socket_listen(&p0f.socket) &&
              atexit(end) == 0);
    play = (struct play){.at = data, .end = data + size};
    build();
    while (play.at < play.end)
        step();
    finish();
    tear_down();
    return 0;
}
