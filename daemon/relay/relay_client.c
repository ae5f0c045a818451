/* SPDX-License-Identifier: MIT */
#include "relay/relay_client.h"

#include "core/metrics.h"
#include "lookup/fetch.h"
#include "relay/relay_input.h"
#include "relay/relay_query.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* Between reading a query and writing its answer. */
struct pending {
    struct relay_query query; /* first: on_relay_lookup_done() casts its lookup to this */
    STAILQ_ENTRY(pending) link;
    struct relay_client *client;
    enum { PENDING_WAITING, PENDING_ASKED, PENDING_DONE } state; /* waiting for a turn */
};

struct relay_client {
    struct relay_client_entry entry;
    const struct relay_client_options *options;
    struct loop_fd watch;
    uint32_t events;         /* that are watched */
    struct loop_chore write; /* answers, and whatever follows from that */
    struct relay_turn turn;
    STAILQ_HEAD(, pending) pending; /* in the order of the queries */
    struct flow flow;
    uint8_t *unsent; /* answers that the socket had no room for; or NULL */
    uint16_t unsent_length;
    uint8_t pending_count;
    bool ended;  /* nothing more is read, and it closes when all is written */
    bool failed; /* because a query gets no answer */
    bool more;   /* the last read stopped at its limit, so that more may be in the socket */
    struct relay_input input;
};

/* Answers on their way out. */
struct outgoing {
    size_t length;
    uint8_t bytes[RELAY_QUERIES_MAX * RELAY_ANSWER_SIZE];
};

_Static_assert(sizeof((struct outgoing *)0)->bytes <= UINT16_MAX, "unsent_length is too small");

/* ---- Closing */

/* A lookup that is under way ends before this returns, as its client has gone. */
static void drop_pending(struct relay_client *client, enum metric reason)
{
    struct pending *first;

    relay_turns_leave(client->options->turns, &client->turn);
    while ((first = STAILQ_FIRST(&client->pending))) {
        STAILQ_REMOVE_HEAD(&client->pending, link);
        if (first->state == PENDING_ASKED)
            fetch_cancel(&first->query.lookup);
        relay_query_release(&first->query);
        free(first);
        metrics_count(reason);
    }
    client->pending_count = 0;
}

void relay_client_close(struct relay_client *client)
{
    const struct relay_client_options *options = client->options;

    drop_pending(client, METRIC_RELAY_CANCELLED);
    loop_drop(options->loop, &client->write);
    loop_crowd_unwatch(options->crowd, &client->watch);
    close(client->watch.fd);
    options->left(options->ctx, &client->entry);
    free(client->unsent);
    free(client);
}

/* ---- Writing */

/* Sends as much as there is room for. False: the client has gone. */
static bool send_some(const struct relay_client *client, const uint8_t *bytes, size_t length,
                      size_t *sent)
{
    ssize_t count = send(client->watch.fd, bytes, length, MSG_NOSIGNAL);

    *sent = count > 0 ? (size_t)count : 0;
    return count >= 0 || errno == EAGAIN || errno == EINTR;
}

/* Nothing may be unsent. False: the client has gone, or there is no memory to keep what it does not read. */
static bool send_answers(struct relay_client *client, const struct outgoing *out)
{
    size_t sent;

    if (out->length == 0)
        return true;
    if (!send_some(client, out->bytes, out->length, &sent))
        return false;
    size_t rest = out->length - sent;
    if (rest == 0)
        return true;
    client->unsent = malloc(rest);
    if (!client->unsent)
        return false;
    memcpy(client->unsent, out->bytes + sent, rest);
    client->unsent_length = (uint16_t)rest;
    return true;
}

/* False as send_answers(). */
static bool send_unsent(struct relay_client *client)
{
    size_t sent;

    if (!client->unsent)
        return true;
    if (!send_some(client, client->unsent, client->unsent_length, &sent))
        return false;
    client->unsent_length = (uint16_t)(client->unsent_length - sent);
    memmove(client->unsent, client->unsent + sent, client->unsent_length);
    if (client->unsent_length > 0)
        return true;
    free(client->unsent);
    client->unsent = NULL;
    return true;
}

static void put_answer(struct outgoing *out, struct relay_query *query)
{
    relay_query_answer(query, out->bytes + out->length);
    out->length += RELAY_ANSWER_SIZE;
    relay_query_release(query);
}

/* Takes the answers that are next off the queue. */
static void collect_answers(struct relay_client *client, struct outgoing *out)
{
    struct pending *first;

    while ((first = STAILQ_FIRST(&client->pending)) && first->state == PENDING_DONE) {
        if (!relay_query_has_answer(&first->query)) {
            drop_pending(client, METRIC_RELAY_FAILED);
            client->ended = client->failed = true;
            return;
        }
        STAILQ_REMOVE_HEAD(&client->pending, link);
        client->pending_count--;
        put_answer(out, &first->query);
        free(first);
    }
}

static bool may_read(const struct relay_client *client)
{
    return !client->ended && !client->unsent && !client->turn.entry.queued &&
           client->pending_count < RELAY_QUERIES_MAX;
}

/* Watches for what it can go on with. False with errno. */
static bool watch_client(struct relay_client *client)
{
    /* A byte that was kept would be reported again and again. */
    uint32_t in = client->input.kept ? EPOLLIN | EPOLLET : EPOLLIN;
    uint32_t events = (may_read(client) ? in : 0) | (client->unsent ? (uint32_t)EPOLLOUT : 0);

    /* Nor would what such a read left be reported again: the descriptor is to be looked at anew. */
    if (events == client->events && !client->more)
        return true;
    client->more = false;
    client->events = events;
    return loop_crowd_rewatch(client->options->crowd, &client->watch, events) == 0;
}

static void write_answers(void *ctx)
{
    struct relay_client *client = ctx;
    struct outgoing out;

    out.length = 0;
    if (!send_unsent(client)) {
        relay_client_close(client);
        return;
    }
    if (!client->unsent)
        collect_answers(client, &out);
    if (client->pending_count == 0 && !client->failed && !relay_input_let_go(&client->input))
        client->ended = true;
    if (!send_answers(client, &out) || !watch_client(client) ||
        (client->ended && client->pending_count == 0 && !client->unsent))
        relay_client_close(client);
}

static void write_later(struct relay_client *client)
{
    loop_later(client->options->loop, &client->write);
}

/* ---- Lookups */

static void on_relay_lookup_done(struct lookup_request *lookup)
{
    struct pending *pending = (struct pending *)lookup;

    pending->state = PENDING_DONE;
    relay_turns_release(pending->client->options->turns);
    write_later(pending->client);
}

/* With a turn claimed. */
static void begin_lookup(struct pending *pending)
{
    const struct relay_client_options *options = pending->client->options;
    struct lookup_request *lookup = &pending->query.lookup;

    lookup->flow = pending->client->flow;
    lookup->done = on_relay_lookup_done;
    if (!lookup_admit(options->lookup, lookup)) {
        on_relay_lookup_done(lookup);
        return;
    }
    pending->state = PENDING_ASKED;
    lookup_begin(options->lookup, lookup);
}

static struct pending *first_waiting(struct relay_client *client)
{
    struct pending *pending;

    STAILQ_FOREACH(pending, &client->pending, link)
        if (pending->state == PENDING_WAITING)
            return pending;
    return NULL;
}

/* The turn has come that some of its queries wait for. */
static void on_relay_turn(void *ctx)
{
    struct relay_client *client = ctx;

    begin_lookup(first_waiting(client));
    if (first_waiting(client))
        relay_turns_wait(client->options->turns, &client->turn);
    write_later(client);
}

/* Copies the query. False when out of memory. */
static bool queue_query(struct relay_client *client, const struct relay_query *query, bool done)
{
    struct pending *pending = malloc(sizeof *pending);

    if (!pending)
        return false;
    *pending = (struct pending){
        .query = *query, .client = client, .state = done ? PENDING_DONE : PENDING_WAITING};
    STAILQ_INSERT_TAIL(&client->pending, pending, link);
    client->pending_count++;
    if (done)
        return true;
    pending->query.lookup.began = lookup_mono(client->options->lookup); /* not at its turn */
    if (relay_turns_claim(client->options->turns))
        begin_lookup(pending);
    else
        relay_turns_wait(client->options->turns, &client->turn);
    return true;
}

/* A hit is answered at once, unless an earlier query of this client is still pending. */
static void handle_query(struct relay_client *client, const uint8_t in[P0F_QUERY_SIZE],
                         struct boottime now, struct outgoing *out)
{
    struct relay_query query;

    if (client->ended) { /* behind one that there was no memory for */
        metrics_count(METRIC_RELAY_FAILED);
        return;
    }
    relay_query_read(&query, in);
    query.lookup.came = now;
    bool done = query.malformed || lookup_recall(client->options->lookup, &query.lookup, true);
    if (done && client->pending_count == 0) {
        put_answer(out, &query);
    } else if (!queue_query(client, &query, done)) {
        relay_query_release(&query);
        metrics_count(METRIC_RELAY_FAILED);
        client->ended = client->failed = true;
    }
}

/* ---- Reading */

/* Only if it may. False: the client has gone. */
static bool read_queries(struct relay_client *client)
{
    struct boottime now = lookup_boottime(client->options->lookup);
    struct relay_batch batch;
    struct outgoing out;
    unsigned max = RELAY_QUERIES_MAX - client->pending_count;
    enum relay_input_result result = relay_input_read(&client->input, &batch, max);

    out.length = 0;
    if (result == RELAY_INPUT_FAILED)
        return false;
    for (unsigned i = 0; i < batch.count; i++)
        handle_query(client, relay_input_query(&batch, i), now, &out);
    client->more = batch.count == max;
    bool keep = client->pending_count > 0 || client->failed;
    client->ended |= result == RELAY_INPUT_ENDED;
    return relay_input_consume(&client->input, &batch, keep) && send_answers(client, &out);
}

static void on_client_ready(void *ctx, uint32_t events)
{
    struct relay_client *client = ctx;

    /* It has closed both directions, so nobody would read an answer. */
    bool gone = events & (EPOLLHUP | EPOLLERR);
    if (gone || (may_read(client) && events & EPOLLIN && !read_queries(client)))
        relay_client_close(client);
    else
        write_later(client);
}

/* ---- The connection */

static pid_t peer_process(int fd)
{
    struct ucred peer;
    socklen_t length = sizeof peer;

    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 ? peer.pid : 0;
}

/* Out-of-band bytes become part of what is read, which would skip them: then the socket would stay readable
 * with nothing to read, and the loop would never sleep. */
static void read_out_of_band(int fd)
{
    int yes = 1;

    setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &yes, sizeof yes);
}

struct relay_client_entry *relay_client_new(const struct relay_client_options *options, int fd)
{
    struct relay_client *client = calloc(1, sizeof *client);

    if (!client) {
        close(fd);
        errno = ENOMEM;
        return NULL;
    }
    client->entry.client = client;
    client->options = options;
    client->watch = (struct loop_fd){.fd = fd, .ready = on_client_ready, .ctx = client};
    client->events = EPOLLIN;
    client->input.fd = fd;
    client->write = (struct loop_chore){.run = write_answers, .ctx = client};
    client->turn = (struct relay_turn){.take = on_relay_turn, .ctx = client};
    read_out_of_band(fd);
    client->flow = lookup_flow_of_process(options->lookup, peer_process(fd));
    client->turn.flow = client->flow.numbers[0];
    STAILQ_INIT(&client->pending);
    if (loop_crowd_watch(options->crowd, &client->watch, client->events) == 0)
        return &client->entry;
    int problem = errno;
    close(fd);
    free(client);
    errno = problem;
    return NULL;
}

void relay_client_shut_down(struct relay_client *client)
{
    client->ended |= !relay_input_limit(&client->input);
    write_later(client);
}
