/* SPDX-License-Identifier: MIT */
#include "sim_p0f.h"

#include "model.h"
#include "tap.h"
#include "truth.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define CLIENTS 32
#define EXTRA_MAX 100 /* bytes that nobody asked for; more could be taken for bad answers */

struct client {
    int fd; /* -1: none */
    struct tap_line *line;
    uint8_t query[P0F_QUERY_SIZE];
    size_t have;                        /* bytes of it */
    uint8_t answer[2 * P0F_ANSWER_MAX]; /* that is being written */
    size_t size;                        /* 0: none is */
    size_t put;
    bool generous; /* says more than it was asked */
    bool refuses;  /* says that the query is bad */
    bool last;     /* it hangs up behind this one */
};

static struct {
    char dir[32];
    struct sockaddr_un name;
    int listener; /* -1: it does not run */
    enum p0f_dialect dialect;
    struct client clients[CLIENTS];
} sim;

/* ---- Its life */

void sim_p0f_open(void)
{
    strcpy(sim.dir, "/tmp/model-XXXXXX");
    model_check(mkdtemp(sim.dir), "no directory for the socket: %s", strerror(errno));
    sim.name.sun_family = AF_UNIX;
    strcat(strcpy(sim.name.sun_path, sim.dir), "/p0f.sock");
    sim.listener = -1;
    for (unsigned i = 0; i < CLIENTS; i++)
        sim.clients[i].fd = -1;
}

void sim_p0f_close(void)
{
    sim_p0f_stop();
    rmdir(sim.dir);
}

const char *sim_p0f_path(void)
{
    return sim.name.sun_path;
}

void sim_p0f_start(enum p0f_dialect dialect)
{
    sim.dialect = dialect;
    sim.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    model_check(bind(sim.listener, (struct sockaddr *)&sim.name, sizeof sim.name) == 0 &&
                    listen(sim.listener, CLIENTS) == 0,
                "p0f cannot listen: %s", strerror(errno));
    model_tell("p0f starts (%s)", p0f_dialect_name(dialect));
}

static void hang_up(struct client *client)
{
    close(client->fd);
    client->fd = -1;
    tap_hung_up(client->line);
}

void sim_p0f_stop(void)
{
    sim.dialect = P0F_DIALECT_AUTO;
    if (sim.listener < 0)
        return;
    for (unsigned i = 0; i < CLIENTS; i++)
        if (sim.clients[i].fd >= 0)
            hang_up(&sim.clients[i]);
    close(sim.listener);
    tap_refuse_waiting();
    sim.listener = -1;
    unlink(sim.name.sun_path);
    model_tell("p0f ends");
}

bool sim_p0f_runs(void)
{
    return sim.listener >= 0;
}

enum p0f_dialect sim_p0f_dialect(void)
{
    return sim.dialect;
}

void sim_p0f_hang_up(void)
{
    struct client *client = &sim.clients[chance_below(&model.chance, CLIENTS)];

    if (client->fd < 0)
        return;
    model.counts.hang_ups++;
    model_tell("p0f hangs up %llu", (unsigned long long)client->line->order);
    hang_up(client);
}

/* ---- Answers */

static void spoil(struct client *client)
{
    client->line->muddled = client->line->muddled || client->line->spoiled;
    client->line->spoiled = true;
    model.counts.spoiled++;
    model_tell("p0f spoils %llu", (unsigned long long)client->line->order);
}

/* One answer more than it was asked for. A daemon that has asked again before it reads that one would
 * take it for the next; so only where nothing keeps it from reading both at once. */
static void answer_unasked(struct client *client)
{
    if (client->line->sent > client->line->read || client->line->read <= TAP_PROBES ||
        !model.settings.faultless)
        return;
    struct p0f_answer answer = truth_say(chance_below(&model.chance, TRUTH_HOSTS), sim.dialect);
    client->size += p0f_answer_pack(&answer, sim.dialect, client->answer + client->size);
    model.counts.unasked++;
    spoil(client);
}

/* What it writes instead of a good answer. */
static void lie(struct client *client)
{
    const uint32_t no_magic = P0F_QUERY_MAGIC, no_status = 0x30, bad_query = P0F_STATUS_BADQUERY;

    switch (chance_below(&model.chance, 6)) {
    case 0:
        memcpy(client->answer, &no_magic, 4);
        break;
    case 1:
        memcpy(client->answer + 4, &no_status, 4);
        break;
    case 2:
        memcpy(client->answer + 4, &bad_query, 4);
        client->refuses = true;
        return;
    case 3: {
        size_t extra = chance_between(&model.chance, 1, EXTRA_MAX);
        memset(client->answer + client->size, 0x55, extra);
        client->size += extra;
        client->line->muddled = client->line->read <= TAP_PROBES;
        break;
    }
    case 4:
        client->generous = true;
        return;
    case 5: /* and dies in the middle of it */
        client->size = chance_between(&model.chance, 1, (uint32_t)client->size);
        client->last = true;
        return;
    }
    spoil(client);
}

static void compose(struct client *client)
{
    struct tap_line *line = client->line;
    struct p0f_answer answer = {.status = P0F_STATUS_NOMATCH};
    struct p0f_addr addr;

    model_check(p0f_query_unpack(client->query, &addr), "p0f reads a query that is none");
    model_check(memcmp(&addr, &line->asked[line->read % TAP_UNANSWERED], sizeof addr) == 0,
                "p0f reads another query than was sent");
    if (line->read++ >= TAP_PROBES)
        answer = truth_say(truth_host(&addr), sim.dialect);
    client->size = p0f_answer_pack(&answer, sim.dialect, client->answer);
    client->put = client->have = 0;
    client->refuses = client->generous = false;
    /* To a daemon that was told another dialect, every answer of ours is a wrong one. */
    if (model.settings.dialect != P0F_DIALECT_AUTO && model.settings.dialect != sim.dialect)
        line->spoiled = true;
    if (chance_permille(&model.chance, model.mood.p0f_lies))
        lie(client);
}

/* False when there is nothing to read. */
static bool read_some(struct client *client)
{
    ssize_t got =
        recv(client->fd, client->query + client->have, sizeof client->query - client->have, 0);

    if (got < 0 && errno == EAGAIN)
        return false;
    if (got <= 0) { /* the daemon has closed it, which was looked at when it did */
        hang_up(client);
        return true;
    }
    client->have += (size_t)got;
    if (client->have == sizeof client->query)
        compose(client);
    return true;
}

/* False when the daemon has to read first. */
static bool write_some(struct client *client)
{
    if (client->put == 0 && client->generous)
        answer_unasked(client);
    size_t length = client->size - client->put;

    /* What goes wrong has no end that could be known: that p0f writes it at once has to do. */
    if (length > 1 && !client->line->spoiled &&
        chance_permille(&model.chance, model.mood.p0f_splits)) {
        length = chance_between(&model.chance, 1, (uint32_t)length - 1);
        model.counts.splits++;
    }
    ssize_t put = send(client->fd, client->answer + client->put, length, MSG_NOSIGNAL);
    if (put < 0 && errno == EAGAIN)
        return false; /* p0f writes only when there is room */
    model_check(put > 0, "p0f has died: %s while it wrote an answer on line %llu", strerror(errno),
                (unsigned long long)client->line->order);
    client->put += (size_t)put;
    if (client->put < client->size)
        return true;
    client->size = 0;
    client->line->answered++;
    model.counts.answers++;
    model.counts.bad_queries += client->refuses;
    if (client->last) {
        model.counts.hang_ups++;
        hang_up(client);
    }
    return true;
}

static void accept_more(void)
{
    unsigned served = 0;

    for (unsigned i = 0; i < CLIENTS; i++)
        served += sim.clients[i].fd >= 0;
    for (unsigned i = 0; i < CLIENTS; i++) {
        struct client *client = &sim.clients[i];
        struct tap_line *line = tap_waiting();
        if (client->fd >= 0 || !line)
            continue;
        if (served >= model.mood.slots) {
            model.counts.over_slots++;
            return;
        }
        int fd = accept4(sim.listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        model_check(fd >= 0, "p0f cannot accept: %s", strerror(errno));
        line->accepted = true;
        *client = (struct client){.fd = fd, .line = line};
        served++;
    }
}

bool sim_p0f_round(void)
{
    bool busy = false;

    if (sim.listener < 0)
        return false;
    accept_more();
    for (unsigned i = 0; i < CLIENTS; i++) {
        struct client *client = &sim.clients[i];
        if (client->fd < 0)
            continue;
        if (client->size > 0)
            busy = write_some(client) || busy;
        else
            busy = read_some(client) || busy;
    }
    return busy;
}
