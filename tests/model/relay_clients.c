/* SPDX-License-Identifier: MIT */
#include "relay_clients.h"

#include "calls.h"
#include "model.h"
#include "relay/relay_query.h"
#include "tap.h"
#include "trouble.h"
#include "truth.h"
#include "visitors.h"

#include <errno.h>
#include <string.h>
#include <sys/param.h>
#include <sys/socket.h>
#include <unistd.h>

#define CLIENTS 6
#define ASKED_MAX 64 /* by one client, and not answered */
#define AT_ONCE_MAX 24
#define NOT_A_QUERY TRUTH_HOSTS

/* What is to come of a query. Bounds are what the settings that were in force meanwhile allow. */
struct asked {
    uint32_t host; /* or NOT_A_QUERY */
    struct mono came;
    struct boottime came_at;
    struct trouble_mark mark;
    uint64_t memory_faults, round; /* when it came */
    int64_t wait_ms;               /* "no match" comes no earlier */
    int64_t timeout_ms;
    int64_t age_max_ms;
};

struct client {
    int fd; /* -1: not connected */
    bool half_closed;
    uint64_t sent, answered;       /* whole ones */
    struct asked asked[ASKED_MAX]; /* ring: query n is at n % ASKED_MAX */
    uint32_t next[AT_ONCE_MAX];    /* hosts that are asked for in what is being sent */
    size_t next_count, out_at, out_length;
    uint8_t out[AT_ONCE_MAX * P0F_QUERY_SIZE];
    size_t in_length;
    uint8_t in[RELAY_ANSWER_SIZE];
};

static struct {
    struct relay *relay;
    struct lookup *lookup;
    struct lookup_limits limits;
    struct recall_times times;
    struct client clients[CLIENTS];
    uint64_t round;
    uint64_t full;        /* the last round in which a lookup of ours may have been refused */
    uint32_t lookups_max; /* as many as there may be at the end of this round */
    bool limited; /* some setting in force up to now has limited how often p0f is asked again */
    bool shutting_down;
} all;

static struct chance *const chance = &model.chance;

void relay_clients_start(struct relay *relay, struct lookup *lookup,
                         const struct lookup_limits *limits, const struct recall_times *times)
{
    memset(&all, 0, sizeof all);
    all.relay = relay;
    all.lookup = lookup;
    all.limits = *limits;
    all.times = *times;
    all.limited = limits->max_repeat_rate || limits->max_repeat_rate_per_client;
    for (unsigned i = 0; i < CLIENTS; i++)
        all.clients[i].fd = -1;
}

static unsigned waiting_for(const struct client *client)
{
    return client->fd < 0 ? 0 : (unsigned)(client->sent - client->answered);
}

unsigned relay_clients_waiting(void)
{
    unsigned waiting = 0;

    for (unsigned i = 0; i < CLIENTS; i++)
        waiting += waiting_for(&all.clients[i]);
    return waiting;
}

/* ---- Settings */

static void promise_all(void)
{
    const int64_t age =
        all.times.ttl + MAX(all.times.stale_while_revalidate, all.times.stale_if_error);

    for (unsigned i = 0; i < CLIENTS; i++) {
        struct client *client = &all.clients[i];
        for (uint64_t n = client->answered; n < client->sent; n++) {
            struct asked *asked = &client->asked[n % ASKED_MAX];
            asked->wait_ms = MIN(asked->wait_ms, all.limits.first_contact_wait);
            asked->timeout_ms = MIN(asked->timeout_ms, all.limits.timeout);
            asked->age_max_ms = MAX(asked->age_max_ms, age);
        }
    }
}

void relay_clients_new_limits(const struct lookup_limits *limits)
{
    all.limits = *limits;
    all.limited |= limits->max_repeat_rate || limits->max_repeat_rate_per_client;
    all.full = all.round;
    promise_all();
}

void relay_clients_new_times(const struct recall_times *times)
{
    all.times = *times;
    promise_all();
}

/* ---- What they are told */

static void judge_stock_answer(const struct asked *asked, const struct p0f_host *host)
{
    model_check(!truth_is_nowhere(asked->host), "host %u: found", asked->host);
    truth_check_stock(asked->host, host);
    int64_t age = boottime_ms_between(truth_told(host), asked->came_at);
    /* The tier may tell again what was told long ago. */
    model_check(model.settings.shared || age < MAX(asked->age_max_ms, 1),
                "host %u: served at %lld ms, where %lld are the most", asked->host, (long long)age,
                (long long)asked->age_max_ms);
    model.counts.relay_found++;
}

/* It is believed to be connected, so p0f was asked for a while, unless it may not be asked so often. That it
 * has said so since is not sure: the query may have joined another one, which was answered already. */
static void judge_stock_denial(const struct asked *asked)
{
    struct mono believe = mono_add_ms(asked->came, asked->wait_ms);

    model_check(truth_kind(asked->host) != TRUTH_KNOWN, "host %u: not found", asked->host);
    model_check(truth_denied_since(asked->host, model.began), "host %u: p0f never denied it",
                asked->host);
    model_check(all.limited || !mono_before(model.now, believe),
                "host %u: \"no match\" %lld ms too early", asked->host,
                (long long)mono_ms_between(model.now, believe));
    model.counts.relay_no_match++;
}

static void judge_answer(struct client *client)
{
    const struct asked *asked = &client->asked[client->answered % ASKED_MAX];
    uint8_t bytes[P0F_ANSWER_MAX];
    struct p0f_answer answer;

    model_check(client->answered < client->sent, "an answer to no query");
    model_check(p0f_answer_unpack(client->in, RELAY_ANSWER_SIZE, P0F_DIALECT_P0F3, &answer) ==
                    RELAY_ANSWER_SIZE,
                "host %u: an answer that is none", asked->host);
    model_tell("host %u: status %#x by the relay", asked->host, answer.status);
    model_digest((uint64_t)asked->host << 8 | answer.status);
    model_check((asked->host == NOT_A_QUERY) == (answer.status == P0F_STATUS_BADQUERY),
                "host %u: status %#x", asked->host, answer.status);
    if (answer.status == P0F_STATUS_OK) {
        judge_stock_answer(asked, &answer.host);
    } else {
        const struct p0f_answer bare = {.status = answer.status};
        p0f_answer_pack(&bare, P0F_DIALECT_P0F3, bytes);
        model_check(memcmp(client->in, bytes, RELAY_ANSWER_SIZE) == 0, "host %u: not all zeros",
                    asked->host);
        if (answer.status == P0F_STATUS_NOMATCH)
            judge_stock_denial(asked);
        else
            model.counts.relay_bad_queries++;
    }
    client->answered++;
    client->in_length = 0;
}

/* Its oldest query is the one that has no answer. */
static void judge_end(const struct client *client)
{
    const struct asked *asked = &client->asked[client->answered % ASKED_MAX];

    model_tell("the relay closes with %u unanswered", waiting_for(client));
    /* What the socket has no room for takes memory. */
    bool starved = model.counts.memory_faults > asked->memory_faults;
    model_check(client->in_length == 0 || starved, "closed within an answer");
    if (all.shutting_down)
        return;
    if (waiting_for(client) == 0) {
        model_check(client->half_closed, "closed without a cause");
        return;
    }
    model.counts.relay_failed++;
    trouble_look();
    model_check(trouble_since(&asked->mark) || starved || all.full >= asked->round ||
                    !mono_before(model.now, mono_add_ms(asked->came, asked->timeout_ms)),
                "host %u: closed without a cause", asked->host);
}

static void forget(struct client *client)
{
    close(client->fd);
    client->fd = -1;
}

/* False when there was nothing to read. */
static bool read_answer(struct client *client)
{
    ssize_t count = recv(client->fd, client->in + client->in_length,
                         sizeof client->in - client->in_length, MSG_DONTWAIT);

    if (count < 0 && errno == EAGAIN)
        return false;
    if (count <= 0) { /* ECONNRESET: with something unread at its end */
        judge_end(client);
        forget(client);
        return false;
    }
    client->in_length += (size_t)count;
    if (client->in_length == sizeof client->in)
        judge_answer(client);
    return true;
}

/* ---- What they do */

/* None whose flow a visitor may have, too: what those hold is known to the model by their flows. */
static pid_t choose_process(void)
{
    pid_t pid = (pid_t)chance_between(chance, 1, 3);

    while (visitors_have_flow(lookup_flow_of_process(all.lookup, pid).numbers[0]))
        pid += 3;
    return pid;
}

static void connect_to_relay(struct client *client)
{
    int ends[2];

    memset(client, 0, sizeof *client);
    client->fd = -1;
    model_check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0,
                "no socket for the model itself");
    calls_relay(ends[0]);
    calls_relay_process(choose_process());
    bool before = calls_disturb(true);
    bool taken = !all.shutting_down && relay_take(all.relay, ends[0]);
    calls_disturb(before);
    if (all.shutting_down)
        close(ends[0]);
    if (taken)
        client->fd = ends[1];
    else
        close(ends[1]);
}

static void compose(struct client *client)
{
    size_t count = chance_between(chance, 1, AT_ONCE_MAX);

    client->out_at = client->out_length = client->next_count = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t host = chance_below(chance, model.mood.hot);
        struct p0f_addr addr = truth_addr(host);
        uint8_t *bytes = client->out + client->out_length;
        if (addr.type == 4) /* which p0f does not look at */
            memset(addr.bytes + 4, (int)chance_below(chance, 2), 12);
        p0f_query_pack(&addr, bytes);
        if (chance_permille(chance, 30)) {
            bytes[chance_below(chance, 5)] ^= 0x80; /* magic or type */
            host = NOT_A_QUERY;
        }
        client->next[client->next_count++] = host;
        client->out_length += P0F_QUERY_SIZE;
    }
}

static void has_asked(struct client *client, uint32_t host)
{
    client->asked[client->sent++ % ASKED_MAX] = (struct asked){
        .host = host,
        .came = model.now,
        .came_at = model_boottime(),
        .mark = trouble_mark(),
        .memory_faults = model.counts.memory_faults,
        .round = all.round,
        .wait_ms = INT64_MAX,
        .timeout_ms = INT64_MAX,
    };
    promise_all();
    model.counts.relay_queries++;
}

static void send_up_to(struct client *client, size_t max)
{
    if (client->out_at == client->out_length && !client->half_closed &&
        waiting_for(client) + AT_ONCE_MAX <= ASKED_MAX)
        compose(client);
    size_t left = client->out_length - client->out_at;
    if (left == 0 || client->half_closed)
        return;
    ssize_t count = send(client->fd, client->out + client->out_at, MIN(max, left), MSG_NOSIGNAL);
    if (count < 0)
        return; /* it is closed, which is seen when reading, or full */
    size_t before = client->out_at / P0F_QUERY_SIZE;
    client->out_at += (size_t)count;
    for (size_t i = before; i < client->out_at / P0F_QUERY_SIZE; i++)
        has_asked(client, client->next[i]);
}

void relay_clients_act(void)
{
    struct client *client = &all.clients[chance_below(chance, CLIENTS)];
    uint32_t what = chance_below(chance, 100);

    if (client->fd < 0) {
        connect_to_relay(client);
    } else if (what < 55) {
        send_up_to(client, 1 + chance_below(chance, sizeof client->out));
    } else if (what < 94) {
        for (uint32_t n = chance_below(chance, 40); n > 0 && client->fd >= 0; n--)
            if (!read_answer(client))
                break;
    } else if (what < 97 && !client->half_closed) {
        model.counts.relay_half_closed++;
        calls_half_close(client->fd);
        client->half_closed = true;
    } else {
        model.counts.relay_gone += waiting_for(client) > 0;
        forget(client);
    }
}

void relay_clients_read_all(void)
{
    for (unsigned i = 0; i < CLIENTS; i++) {
        struct client *client = &all.clients[i];
        if (client->fd >= 0 && client->out_at < client->out_length)
            send_up_to(client, sizeof client->out);
        while (client->fd >= 0 && read_answer(client))
            ;
    }
}

void relay_clients_shut_down(void)
{
    all.shutting_down = true;
}

void relay_clients_end(void)
{
    for (unsigned i = 0; i < CLIENTS; i++)
        if (all.clients[i].fd >= 0)
            forget(&all.clients[i]);
}

/* ---- Rounds */

void relay_clients_before_round(void)
{
    const struct relay_counts counts = relay_counts(all.relay);

    all.round++;
    all.lookups_max = MAX(counts.lookups, counts.max_lookups);
    if (lookup_pending(all.lookup) + relay_clients_waiting() + visitors_waiting() >=
        all.limits.max_pending)
        all.full = all.round;
}

void relay_clients_after_round(void)
{
    struct relay_counts counts = relay_counts(all.relay);

    model_check(counts.lookups <= MAX(all.lookups_max, counts.max_lookups),
                "%u lookups of the relay, where %u are allowed", counts.lookups, all.lookups_max);
    model_check(counts.connections <= counts.max_connections, "%u connections of the relay",
                counts.connections);
    model.counts.relay_turns += counts.lookups == counts.max_lookups;
}
