/* SPDX-License-Identifier: MIT */
#include "sim_p0f.h"

#include "../support/c/fake_p0f.h"
#include "model.h"
#include "tap.h"
#include "truth.h"

#include <errno.h>
#include <string.h>

#define CLIENTS 32
#define EXTRA_MAX 100 /* unasked bytes; more of them could pass for malformed answers */

/* What the model keeps for each slot of the fake. */
struct fate {
    struct tap_line *line;
    bool generous; /* says more than it was asked */
    bool refuses;  /* says that the query is bad */
    bool last;     /* hangs up after this one */
};

static struct {
    struct fake_p0f p0f;
    struct fate fates[CLIENTS];
    enum p0f_dialect dialect;
} sim;

static struct fate *fate_of(const struct fake_p0f_client *client)
{
    return &sim.fates[client - sim.p0f.clients];
}

/* ---- Its life */

void sim_p0f_open(void)
{
    model_check(fake_p0f_open(&sim.p0f, NULL, CLIENTS), "no directory for the socket: %s",
                strerror(errno));
}

void sim_p0f_close(void)
{
    sim_p0f_stop();
    fake_p0f_close(&sim.p0f);
}

const char *sim_p0f_path(void)
{
    return sim.p0f.socket.path;
}

void sim_p0f_start(enum p0f_dialect dialect)
{
    sim.dialect = dialect;
    model_check(fake_p0f_socket_listen(&sim.p0f.socket), "p0f cannot listen: %s", strerror(errno));
    model_tell("p0f starts (%s)", p0f_dialect_name(dialect));
}

static void lose_client(struct fake_p0f_client *client)
{
    fake_p0f_hang_up(client);
    tap_hung_up(fate_of(client)->line);
}

void sim_p0f_stop(void)
{
    sim.dialect = P0F_DIALECT_AUTO;
    if (!sim_p0f_runs())
        return;
    for (unsigned i = 0; i < CLIENTS; i++)
        if (sim.p0f.clients[i].fd >= 0)
            lose_client(&sim.p0f.clients[i]);
    fake_p0f_stop(&sim.p0f);
    tap_refuse_waiting();
    model_tell("p0f ends");
}

bool sim_p0f_runs(void)
{
    return sim.p0f.socket.listener >= 0;
}

enum p0f_dialect sim_p0f_dialect(void)
{
    return sim.dialect;
}

void sim_p0f_hang_up(void)
{
    struct fake_p0f_client *client = &sim.p0f.clients[chance_below(&model.chance, CLIENTS)];

    if (client->fd < 0)
        return;
    model.counts.hang_ups++;
    model_tell("p0f hangs up %llu", (unsigned long long)fate_of(client)->line->order);
    lose_client(client);
}

/* ---- Answers */

static void spoil(struct tap_line *line)
{
    line->muddled = line->muddled || line->spoiled || line->read <= TAP_PROBES;
    line->spoiled = true;
    model.counts.spoiled++;
    model_tell("p0f spoils %llu", (unsigned long long)line->order);
}

/* One answer more than it was asked for. A daemon that has asked again before it reads that one would
 * take it for the next; so only where nothing keeps it from reading both at once. */
static void answer_unasked(struct fake_p0f_client *client)
{
    struct tap_line *line = fate_of(client)->line;

    if (line->sent > line->read || line->read <= TAP_PROBES || !model.settings.faultless)
        return;
    struct p0f_answer answer = truth_say(chance_below(&model.chance, TRUTH_HOSTS), sim.dialect);
    client->out_length += p0f_answer_pack(&answer, sim.dialect, client->out + client->out_length);
    model.counts.unasked++;
    spoil(line);
}

/* What it writes instead of a good answer. */
static void lie(struct fake_p0f_client *client)
{
    struct fate *fate = fate_of(client);

    switch (chance_below(&model.chance, 6)) {
    case 0:
        if (fate->line->read == 1 && sim.dialect == P0F_DIALECT_SIG)
            return; /* no p0f begins like this; those 744 bytes would count as three answers */
        fake_p0f_spoil(client->out, FAKE_P0F_BAD_MAGIC);
        break;
    case 1:
        fake_p0f_spoil(client->out, FAKE_P0F_BAD_STATUS);
        break;
    case 2:
        fake_p0f_spoil(client->out, FAKE_P0F_BAD_QUERY);
        fate->refuses = true;
        return;
    case 3: {
        size_t extra = chance_between(&model.chance, 1, EXTRA_MAX);
        memset(client->out + client->out_length, 0x55, extra);
        client->out_length += extra;
        break;
    }
    case 4:
        fate->generous = true;
        return;
    case 5: /* and dies in the middle of it */
        client->out_length = chance_between(&model.chance, 1, (uint32_t)client->out_length);
        fate->last = true;
        return;
    }
    spoil(fate->line);
}

static void compose(struct fake_p0f_client *client)
{
    struct fate *fate = fate_of(client);
    struct tap_line *line = fate->line;
    const struct p0f_addr addr = client->outstanding[0];
    struct p0f_answer answer = fake_p0f_no_match(&addr);

    model_check(memcmp(&addr, &line->asked[line->read % TAP_UNANSWERED], sizeof addr) == 0,
                "p0f reads another query than was sent");
    if (line->read++ >= TAP_PROBES)
        answer = truth_say(truth_host(&addr), sim.dialect);
    fake_p0f_answer(client, &answer, sim.dialect);
    *fate = (struct fate){.line = line};
    /* To a daemon that was told another dialect, every answer of ours is a wrong one. */
    if (model.settings.dialect != P0F_DIALECT_AUTO && model.settings.dialect != sim.dialect)
        line->spoiled = true;
    if (chance_permille(&model.chance, model.mood.p0f_lies))
        lie(client);
}

/* False when there is nothing to read. */
static bool read_some(struct fake_p0f_client *client)
{
    enum fake_p0f_read read = fake_p0f_read(client, 1);

    if (read == FAKE_P0F_IDLE)
        return false;
    if (read != FAKE_P0F_GOT) /* the daemon has closed it, which was looked at when it did */
        lose_client(client);
    else if (client->count > 0)
        compose(client);
    return true;
}

/* False when the daemon has to read first. */
static bool write_some(struct fake_p0f_client *client)
{
    struct fate *fate = fate_of(client);

    if (client->out_sent == 0 && fate->generous)
        answer_unasked(client);
    size_t length = client->out_length - client->out_sent;

    /* What goes wrong has no end that could be known, so p0f has to write it at once. */
    if (length > 1 && !fate->line->spoiled &&
        chance_permille(&model.chance, model.mood.p0f_splits)) {
        length = chance_between(&model.chance, 1, (uint32_t)length - 1);
        model.counts.splits++;
    }
    ssize_t put = fake_p0f_write(client, length);
    if (put < 0 && errno == EAGAIN)
        return false; /* p0f writes only when there is room */
    model_check(put > 0, "p0f has died: %s while it wrote an answer on line %llu", strerror(errno),
                (unsigned long long)fate->line->order);
    if (client->out_length > 0)
        return true;
    fate->line->answered++;
    model.counts.answers++;
    model.counts.bad_queries += fate->refuses;
    if (fate->last) {
        model.counts.hang_ups++;
        lose_client(client);
    }
    return true;
}

static void accept_more(void)
{
    struct tap_line *line;

    while (fake_p0f_served(&sim.p0f) < CLIENTS && (line = tap_waiting())) {
        if (fake_p0f_served(&sim.p0f) >= model.mood.slots) {
            model.counts.over_slots++;
            return;
        }
        struct fake_p0f_client *client = fake_p0f_accept(&sim.p0f, CLIENTS);
        model_check(client != NULL, "p0f cannot accept: %s", strerror(errno));
        line->accepted = true;
        *fate_of(client) = (struct fate){.line = line};
    }
}

bool sim_p0f_round(void)
{
    bool busy = false;

    if (!sim_p0f_runs())
        return false;
    accept_more();
    for (unsigned i = 0; i < CLIENTS; i++) {
        struct fake_p0f_client *client = &sim.p0f.clients[i];
        if (client->fd < 0)
            continue;
        if (client->out_length > 0)
            busy = write_some(client) || busy;
        else
            busy = read_some(client) || busy;
    }
    return busy;
}
