/* SPDX-License-Identifier: MIT */
#include "rounds.h"

#include "calls.h"
#include "lookup/gather.h"
#include "model.h"
#include "truth.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

/* Of a sensor or the tier, in this round. */
struct word {
    enum { SILENT, DENIED, FOUND } said;
    uint32_t number;
    uint32_t seen;
};

struct round {
    LIST_ENTRY(round) link;
    struct gather *gather;
    uint64_t id;
    uint32_t host;
    bool open;           /* asked, and not answered */
    bool ended;          /* the gather, which may wait for answers still */
    bool unsure;         /* more may have reached the daemon than we know */
    uint64_t loop_round; /* in which it was asked, or learned something last */
    struct boottime asked;
    struct mono asked_at; /* the same */
    unsigned asks;        /* of this gather */
    struct word own[MODEL_SENSORS_MAX];
    bool left_out[MODEL_SENSORS_MAX];
    struct word tier;
    bool tier_asked;

    gather_answer_fn *answer;
    void (*released)(void *ctx);
    void *ctx;
};

static struct {
    LIST_HEAD(, round) list;
    struct round *current[TRUTH_HOSTS];
    struct rounds_found found[TRUTH_HOSTS];
    uint64_t ids;
    bool deaf;
} rounds;

void rounds_start(void)
{
    memset(&rounds, 0, sizeof rounds);
}

void rounds_end(void)
{
    model_check(LIST_EMPTY(&rounds.list), "a gather is left");
}

uint64_t rounds_gather(uint32_t host)
{
    return rounds.current[host] ? rounds.current[host]->id : 0;
}

const struct rounds_found *rounds_found(uint32_t host)
{
    return &rounds.found[host];
}

void rounds_deaf(void)
{
    rounds.deaf = true;
}

/* ---- What reaches the daemon */

static struct round *round_of(const struct tap_query *query)
{
    struct round *round = query->gather ? rounds.current[truth_host(&query->addr)] : NULL;

    return round && round->id == query->gather && !rounds.deaf ? round : NULL;
}

void rounds_muddle(const struct tap_query *query)
{
    struct round *round = round_of(query);

    if (round)
        round->unsure = true;
}

void rounds_heard(const struct tap_query *query, const struct tap_line *line)
{
    struct round *round = round_of(query);

    if (!round)
        return;
    round->unsure |= line->spoiled;
    round->loop_round = model.counts.rounds;
    model_tell("host %u: sensor %u: %d", round->host, line->sensor, (int)query->said);
    struct word *word = &round->own[line->sensor];
    if (query->said == TAP_DENIED)
        *word = (struct word){.said = DENIED};
    if (query->said == TAP_FOUND)
        *word = (struct word){.said = FOUND,
                              .number = query->number,
                              .seen = truth_said(round->host, query->number)->last_seen};
}

void rounds_tier_asked(uint32_t host)
{
    struct round *round = rounds.current[host];

    model_check(round, "host %u: the tier is asked, for nobody", host);
    round->tier_asked = true;
    round->tier = (struct word){.said = SILENT};
}

void rounds_tier_told(uint32_t host, const struct share_found *found)
{
    struct round *round = rounds.current[host];

    if (!round) /* cancelled at its end */
        return;
    round->tier_asked = false;
    round->loop_round = model.counts.rounds;
    if (found)
        round->tier =
            (struct word){.said = FOUND, .number = found->host.total_conn, .seen = found->seen};
}

/* ---- What it may come to */

/* The newest, the first one on a tie, and the tier last. */
static const struct word *newest(const struct round *round)
{
    const struct word *best = NULL;

    for (unsigned i = 0; i < model.settings.sensors; i++)
        if (round->own[i].said == FOUND && (!best || round->own[i].seen > best->seen))
            best = &round->own[i];
    if (round->tier.said == FOUND && (!best || round->tier.seen > best->seen))
        best = &round->tier;
    return best;
}

static unsigned count_own(const struct round *round, int said)
{
    unsigned count = 0;

    for (unsigned i = 0; i < model.settings.sensors; i++)
        count += (int)round->own[i].said == said;
    return count;
}

/* Nobody's time can be over already when the gather has only just begun. */
static void check_patience(const struct round *round)
{
    if (round->asks > 1 || round->asked_at.ns != model.now.ns)
        return;
    for (unsigned i = 0; i < model.settings.sensors; i++)
        model_check(round->own[i].said != SILENT || !tap_awaits(i, round->id),
                    "host %u: sensor %u was not waited for", round->host, i);
}

static void check_found(const struct round *round, const struct gather_answer *answer)
{
    const struct word *best = newest(round);
    bool partial = count_own(round, SILENT) > 0;

    model_check(best, "host %u: found, though nobody has said so", round->host);
    model_check(answer->host->total_conn == best->number,
                "host %u: answer %u, and the newest that has come is %u", round->host,
                answer->host->total_conn, best->number);
    model_check(answer->partial == partial, "host %u: %u sensors are silent, and the answer is %s",
                round->host, count_own(round, SILENT), answer->partial ? "partial" : "complete");
    check_patience(round);
    model.counts.tier_wins += best == &round->tier && count_own(round, FOUND) > 0;
    model.counts.tier_loses += best != &round->tier && round->tier.said == FOUND;
    model.counts.own_choices += best != &round->tier && count_own(round, FOUND) > 1;
    model.counts.partial += partial;
}

static void check_not_found(const struct round *round, const struct gather_answer *answer)
{
    unsigned denied = count_own(round, DENIED);

    model_check(!newest(round), "host %u: not found, though it was", round->host);
    model_check((answer->error == P0F_NO_MATCH) == (denied == model.settings.sensors),
                "host %u: denied by %u sensors, and the error is %d", round->host, denied,
                (int)answer->error);
    model_check(answer->error == P0F_NO_MATCH || answer->partial == (denied > 0),
                "host %u: denied by %u sensors, and the answer is %s", round->host, denied,
                answer->partial ? "partial" : "complete");
    model.counts.denied_by_some += denied > 0 && denied < model.settings.sensors;
}

static void on_round_answer(void *ctx, const struct gather_answer *answer)
{
    struct round *round = ctx;

    model_check(round->open && !round->ended, "host %u: an answer, and it was not asked",
                round->host);
    round->open = false;
    round->unsure |= round->host == 0; /* the daemon itself asks about it, too */
    if (!round->unsure && answer->error == P0F_OK)
        check_found(round, answer);
    else if (!round->unsure)
        check_not_found(round, answer);
    if (answer->error == P0F_OK)
        rounds.found[round->host] = (struct rounds_found){
            .any = true,
            .partial = answer->partial,
            .shared = round->tier.said == FOUND && round->tier.number == answer->host->total_conn,
            .number = answer->host->total_conn,
            .asked = round->asked};
    model_tell("host %u: round ends with %d%s", round->host, (int)answer->error,
               answer->partial ? ", partial" : "");
    round->answer(round->ctx, answer);
}

/* ---- Waiting */

/* Whether this sensor is not waited for, for sure. */
static bool is_not_awaited(const struct round *round, unsigned sensor)
{
    return round->own[sensor].said != SILENT || round->left_out[sensor];
}

static bool waits_for_late(const struct round *round, int64_t timeout_ms)
{
    bool late = model.settings.sensors > 1;

    for (unsigned i = 0; i < model.settings.sensors; i++)
        late = late && (is_not_awaited(round, i) || tap_is_overdue(i, timeout_ms));
    return late;
}

static bool is_certain(const struct round *round)
{
    return round->open && !round->ended && !round->unsure && !rounds.deaf;
}

bool rounds_has_found(uint32_t host)
{
    const struct round *round = rounds.current[host];

    return round && is_certain(round) && newest(round);
}

void rounds_joined(uint32_t host, int64_t timeout_ms)
{
    const struct round *round = rounds.current[host];

    if (round && is_certain(round) && !round->tier_asked && round->loop_round < model.counts.rounds)
        model_check(!waits_for_late(round, timeout_ms),
                    "host %u: somebody waits for sensors that are late", host);
}

void rounds_check(void)
{
    struct round *round;

    LIST_FOREACH(round, &rounds.list, link) {
        bool over = is_certain(round) && !round->tier_asked;
        for (unsigned i = 0; i < model.settings.sensors; i++)
            over = over && is_not_awaited(round, i);
        model_check(!over, "host %u: the round waits for nobody", round->host);
    }
}

/* ---- The calls. Names and types are the linker's and those of lookup/gather.h. */

void __real_gather_start(struct gather *gather, const struct gather_parts *parts,
                         const struct p0f_addr *addr, gather_answer_fn *answer,
                         void (*released)(void *ctx), void *ctx);
bool __real_gather_ask(struct gather *gather, unsigned flow, int64_t timeout_ms);
void __real_gather_end(struct gather *gather);
void __wrap_gather_start(struct gather *gather, const struct gather_parts *parts,
                         const struct p0f_addr *addr, gather_answer_fn *answer,
                         void (*released)(void *ctx), void *ctx);
bool __wrap_gather_ask(struct gather *gather, unsigned flow, int64_t timeout_ms);
void __wrap_gather_end(struct gather *gather);

static struct round *find_round(const struct gather *gather)
{
    struct round *round;

    LIST_FOREACH(round, &rounds.list, link)
        if (round->gather == gather)
            return round;
    model_fail("a gather that was not started");
}

static void on_round_released(void *ctx)
{
    struct round *round = ctx;

    model_check(round->ended, "host %u: released, and not ended", round->host);
    LIST_REMOVE(round, link);
    round->released(round->ctx);
    free(round);
}

void __wrap_gather_start(struct gather *gather, const struct gather_parts *parts,
                         const struct p0f_addr *addr, gather_answer_fn *answer,
                         void (*released)(void *ctx), void *ctx)
{
    bool before = calls_disturb(false);
    struct round *round = calloc(1, sizeof *round);

    calls_disturb(before);
    model_check(round, "no memory for the model itself");
    *round = (struct round){.gather = gather,
                            .id = ++rounds.ids,
                            .host = truth_host(addr),
                            .answer = answer,
                            .released = released,
                            .ctx = ctx};
    model_check(!rounds.current[round->host], "host %u: asked twice at a time", round->host);
    rounds.current[round->host] = round;
    LIST_INSERT_HEAD(&rounds.list, round, link);
    __real_gather_start(gather, parts, addr, on_round_answer, on_round_released, round);
}

bool __wrap_gather_ask(struct gather *gather, unsigned flow, int64_t timeout_ms)
{
    struct round *round = find_round(gather);

    model_tell("host %u: asked", round->host);
    round->asked = model_boottime();
    round->asked_at = model.now;
    round->asks++;
    round->loop_round = model.counts.rounds;
    memset(round->own, 0, sizeof round->own);
    round->tier = (struct word){.said = SILENT};
    model.counts.asked_anew += round->open;
    round->open = __real_gather_ask(gather, flow, timeout_ms);
    for (unsigned i = 0; i < model.settings.sensors; i++) {
        round->left_out[i] =
            (model.settings.sensors > 1 || round->tier_asked) && tap_is_overdue(i, timeout_ms);
        model.counts.left_out += round->left_out[i];
    }
    return round->open;
}

void __wrap_gather_end(struct gather *gather)
{
    struct round *round = find_round(gather);

    round->ended = true;
    rounds.current[round->host] = NULL;
    __real_gather_end(gather);
}
