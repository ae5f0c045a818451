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

static struct sim {
    unsigned sensor;
    struct fake_p0f p0f;
    struct fate fates[CLIENTS];
    enum p0f_dialect dialect;
} sims[MODEL_SENSORS_MAX];

static struct fate *fate_of(struct sim *sim, const struct fake_p0f_client *client)
{
    return &sim->fates[client - sim->p0f.clients];
}

static const struct p0f_mood *mood_of(const struct sim *sim)
{
    return &model.mood.p0f[sim->sensor];
}

/* ---- Its life */

void sim_p0f_open(void)
{
    for (unsigned i = 0; i < MODEL_SENSORS_MAX; i++) {
        sims[i].sensor = i;
        model_check(fake_p0f_open(&sims[i].p0f, NULL, CLIENTS), "no directory for the socket: %s",
                    strerror(errno));
    }
}

void sim_p0f_close(void)
{
    for (unsigned i = 0; i < MODEL_SENSORS_MAX; i++) {
        sim_p0f_stop(i);
        fake_p0f_close(&sims[i].p0f);
    }
}

const char *sim_p0f_path(unsigned sensor)
{
    return sims[sensor].p0f.socket.path;
}

void sim_p0f_start(unsigned sensor, enum p0f_dialect dialect)
{
    struct sim *sim = &sims[sensor];

    sim->dialect = dialect;
    model_check(fake_p0f_socket_listen(&sim->p0f.socket), "p0f cannot listen: %s", strerror(errno));
    model_tell("p0f %u starts (%s)", sensor, p0f_dialect_name(dialect));
}

static void lose_client(struct sim *sim, struct fake_p0f_client *client)
{
    fake_p0f_hang_up(client);
    tap_hung_up(fate_of(sim, client)->line);
}

void sim_p0f_stop(unsigned sensor)
{
    struct sim *sim = &sims[sensor];

    sim->dialect = P0F_DIALECT_AUTO;
    if (!sim_p0f_runs(sensor))
        return;
    for (unsigned i = 0; i < CLIENTS; i++)
        if (sim->p0f.clients[i].fd >= 0)
            lose_client(sim, &sim->p0f.clients[i]);
    fake_p0f_stop(&sim->p0f);
    tap_refuse_waiting(sensor);
    model_tell("p0f %u ends", sensor);
}

bool sim_p0f_runs(unsigned sensor)
{
    return sims[sensor].p0f.socket.listener >= 0;
}

bool sim_p0f_all_run(void)
{
    bool all = true;

    for (unsigned i = 0; i < model.settings.sensors; i++)
        all = all && sim_p0f_runs(i);
    return all;
}

static bool is_foreign(const struct sim *sim)
{
    return model.settings.dialect != P0F_DIALECT_AUTO && model.settings.dialect != sim->dialect;
}

bool sim_p0f_any_foreign(void)
{
    bool any = false;

    for (unsigned i = 0; i < model.settings.sensors; i++)
        any = any || is_foreign(&sims[i]);
    return any;
}

enum p0f_dialect sim_p0f_dialect(unsigned sensor)
{
    return sims[sensor].dialect;
}

void sim_p0f_hang_up(unsigned sensor)
{
    struct sim *sim = &sims[sensor];
    struct fake_p0f_client *client = &sim->p0f.clients[chance_below(&model.chance, CLIENTS)];

    if (client->fd < 0)
        return;
    model.counts.hang_ups++;
    model_tell("p0f %u hangs up %llu", sensor,
               (unsigned long long)fate_of(sim, client)->line->order);
    lose_client(sim, client);
}

/* ---- Answers */

static void spoil(struct tap_line *line)
{
    line->muddled = line->muddled || line->spoiled || line->read <= TAP_PROBES;
    tap_spoil(line);
    model.counts.spoiled++;
    model_tell("p0f spoils %llu", (unsigned long long)line->order);
}

/* One answer more than it was asked for. A daemon that has asked again before it reads that one would
 * take it for the next; so only where nothing keeps it from reading both at once. */
static void answer_unasked(struct sim *sim, struct fake_p0f_client *client)
{
    struct tap_line *line = fate_of(sim, client)->line;

    if (line->sent > line->read || line->read <= TAP_PROBES || !model.settings.faultless)
        return;
    struct p0f_answer answer =
        truth_say(sim->sensor, chance_below(&model.chance, TRUTH_HOSTS), sim->dialect);
    client->out_length += p0f_answer_pack(&answer, sim->dialect, client->out + client->out_length);
    model.counts.unasked++;
    spoil(line);
}

/* What it writes instead of a good answer, or behind it: then it returns true. */
static bool lie(struct sim *sim, struct fake_p0f_client *client)
{
    struct fate *fate = fate_of(sim, client);

    switch (chance_below(&model.chance, 6)) {
    case 0:
        if (fate->line->read == 1 && sim->dialect == P0F_DIALECT_SIG)
            return true; /* no p0f begins like this; those 744 bytes would count as three answers */
        fake_p0f_spoil(client->out, FAKE_P0F_BAD_MAGIC);
        break;
    case 1:
        fake_p0f_spoil(client->out, FAKE_P0F_BAD_STATUS);
        break;
    case 2:
        fake_p0f_spoil(client->out, FAKE_P0F_BAD_QUERY);
        fate->refuses = true;
        return false;
    case 3: {
        size_t extra = chance_between(&model.chance, 1, EXTRA_MAX);
        memset(client->out + client->out_length, 0x55, extra);
        client->out_length += extra;
        spoil(fate->line);
        return true;
    }
    case 4:
        fate->generous = true;
        return true;
    case 5: { /* and dies in the middle of it */
        fate->last = true;
        size_t whole = client->out_length;
        client->out_length = chance_between(&model.chance, 1, (uint32_t)whole);
        return client->out_length == whole;
    }
    }
    spoil(fate->line);
    return false;
}

static void compose(struct sim *sim, struct fake_p0f_client *client)
{
    struct fate *fate = fate_of(sim, client);
    struct tap_line *line = fate->line;
    struct tap_query *query = tap_reads(line);
    const struct p0f_addr addr = client->outstanding[0];
    struct p0f_answer answer = fake_p0f_no_match(&addr);

    model_check(memcmp(&addr, &query->addr, sizeof addr) == 0,
                "p0f reads another query than was sent");
    if (line->read++ >= TAP_PROBES)
        answer = truth_say(sim->sensor, truth_host(&addr), sim->dialect);
    query->said = answer.status == P0F_STATUS_OK ? TAP_FOUND : TAP_DENIED;
    query->number = answer.host.total_conn;
    fake_p0f_answer(client, &answer, sim->dialect);
    *fate = (struct fate){.line = line};
    /* To a daemon that was told another dialect, every answer of ours is a wrong one. */
    if (is_foreign(sim))
        tap_spoil(line);
    if (chance_permille(&model.chance, mood_of(sim)->lies) && !lie(sim, client))
        query->said = TAP_NOTHING;
    line->composed += client->out_length;
    query->end = line->composed;
}

/* False when there is nothing to read. */
static bool read_some(struct sim *sim, struct fake_p0f_client *client)
{
    enum fake_p0f_read read = fake_p0f_read(client, 1);

    if (read == FAKE_P0F_IDLE)
        return false;
    if (read != FAKE_P0F_GOT) /* the daemon has closed it, which was looked at when it did */
        lose_client(sim, client);
    else if (client->count > 0)
        compose(sim, client);
    return true;
}

/* False when the daemon has to read first. */
static bool write_some(struct sim *sim, struct fake_p0f_client *client)
{
    struct fate *fate = fate_of(sim, client);

    if (client->out_sent == 0 && fate->generous)
        answer_unasked(sim, client);
    size_t length = client->out_length - client->out_sent;

    /* What goes wrong has no end that could be known, so p0f has to write it at once. */
    if (length > 1 && !fate->line->spoiled &&
        chance_permille(&model.chance, mood_of(sim)->splits)) {
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
        lose_client(sim, client);
    }
    return true;
}

static void accept_more(struct sim *sim)
{
    struct tap_line *line;

    while (fake_p0f_served(&sim->p0f) < CLIENTS && (line = tap_waiting(sim->sensor))) {
        if (fake_p0f_served(&sim->p0f) >= mood_of(sim)->slots) {
            model.counts.over_slots++;
            return;
        }
        struct fake_p0f_client *client = fake_p0f_accept(&sim->p0f, CLIENTS);
        model_check(client != NULL, "p0f cannot accept: %s", strerror(errno));
        line->accepted = true;
        *fate_of(sim, client) = (struct fate){.line = line};
    }
}

bool sim_p0f_round(unsigned sensor)
{
    struct sim *sim = &sims[sensor];
    bool busy = false;

    if (!sim_p0f_runs(sensor))
        return false;
    accept_more(sim);
    for (unsigned i = 0; i < CLIENTS; i++) {
        struct fake_p0f_client *client = &sim->p0f.clients[i];
        if (client->fd < 0)
            continue;
        if (client->out_length > 0)
            busy = write_some(sim, client) || busy;
        else
            busy = read_some(sim, client) || busy;
    }
    return busy;
}
