/* SPDX-License-Identifier: MIT */
#include "told.h"

#include "model.h"
#include "shelf.h"

#include <string.h>
#include <sys/param.h>

#define HASHES_MAX 512 /* that are remembered */
#define AHEAD_MAX INT64_C(86400)
#define CLOCKS_DIFFER_MAX 5

/* A connection is given up some rounds after the trouble, and another one made within ten seconds, which serves some
 * rounds after that. */
#define TROUBLE_MS 2000
#define TROUBLE_ROUNDS 12

#define MISSED_MAX 3
#define READ_ROUNDS 8 /* in which the daemon reads all that there is */

static struct {
    int64_t ttl_ms;
    struct told_hash hashes[HASHES_MAX]; /* ring */
    uint64_t count, sent;                /* ever */
    uint64_t troubles;
    struct mono trouble_at;  /* or the last round that was counted */
    unsigned trouble_rounds; /* since it was over, each so much after the other */
    struct mono doubt;       /* until then a read that was cancelled may be answered */
    unsigned missed;         /* reads in a row, with nothing else wrong */
    bool muddled;
} told;

void told_start(int64_t ttl_ms)
{
    memset(&told, 0, sizeof told);
    told.ttl_ms = ttl_ms;
}

void told_new_ttl(int64_t ttl_ms)
{
    told.ttl_ms = ttl_ms;
}

void told_sent(void)
{
    for (; told.sent < told.count; told.sent++)
        told.hashes[told.sent % HASHES_MAX].loop_round = model.counts.rounds;
}

struct told_hash *told_add(uint32_t host)
{
    struct told_hash *hash = &told.hashes[told.count++ % HASHES_MAX];

    *hash = (struct told_hash){.host = host};
    return hash;
}

/* ---- Trouble */

static void begin_trouble(void)
{
    told.trouble_at = model.now;
    told.trouble_rounds = 0;
    shelf_forget_written();
}

void told_trouble(bool muddled)
{
    told.troubles++;
    told.muddled |= muddled;
    begin_trouble();
}

void told_answered(void)
{
    told.missed = 0;
}

void told_missed(const struct told_since *since)
{
    told.missed += told.troubles == since->troubles && !mono_before(since->at, told.doubt);
    begin_trouble();
}

void told_cancelled(struct mono deadline)
{
    told.missed = 0;
    if (mono_before(told.doubt, deadline))
        told.doubt = deadline;
    begin_trouble();
}

bool told_is_silent(void)
{
    return told.missed >= MISSED_MAX;
}

struct told_since told_now(void)
{
    return (struct told_since){.at = model.now,
                               .reads = told.count,
                               .troubles = told.troubles,
                               .calm = told.trouble_rounds >= TROUBLE_ROUNDS};
}

void told_round(void)
{
    if (mono_before(model.now, mono_add_ms(told.trouble_at, TROUBLE_MS)))
        return;
    told.trouble_at = model.now;
    told.trouble_rounds++;
}

bool told_trouble_since(const struct told_since *since)
{
    return !since->calm || told.troubles > since->troubles;
}

/* ---- What the daemon has to make of it */

static int64_t seen_of(const struct told_field *field)
{
    int64_t seen = truth_answer(field->number).last_seen;
    bool future = field->observed_at - model_wall() > CLOCKS_DIFFER_MAX ||
                  seen - field->observed_at > CLOCKS_DIFFER_MAX;

    return future ? 0 : MIN(seen, model_wall());
}

static bool is_valid(const struct told_field *field)
{
    int64_t age = model_wall() - field->observed_at;

    return field->there && age >= -AHEAD_MAX && age <= told.ttl_ms / 1000;
}

static const struct told_field *newest_of(const struct told_hash *hash)
{
    const struct told_field *best = NULL;
    unsigned best_sensor = 0;

    for (unsigned i = 0; i < TOLD_SENSORS; i++) {
        const struct told_field *field = &hash->fields[i];
        if (!is_valid(field))
            continue;
        int64_t by = best ? seen_of(field) - seen_of(best) : 1;
        if (by == 0)
            by = field->observed_at - best->observed_at;
        if (by == 0)
            by = strcmp(truth_sensor(best_sensor), truth_sensor(i));
        if (by > 0) {
            best = field;
            best_sensor = i;
        }
    }
    return best;
}

/* Whether the daemon was told such a hash since then. */
static bool was_told(const struct told_since *since, uint32_t host, const struct share_found *found)
{
    uint64_t from = told.muddled ? 0 : since->reads;

    for (uint64_t n = told.count; n > from && told.count - n < HASHES_MAX; n--) {
        const struct told_hash *hash = &told.hashes[(n - 1) % HASHES_MAX];
        if (hash->host != host)
            continue;
        const struct told_field *best = newest_of(hash);
        if (found ? best && best->number == found->host.total_conn && seen_of(best) == found->seen
                  : !best)
            return true;
    }
    return false;
}

void told_judge_found(const struct told_since *since, uint32_t host,
                      const struct share_found *found)
{
    model_check(was_told(since, host, found), "host %u: %u by %s is not the newest in the store",
                host, found->host.total_conn, found->sensor);
}

void told_judge_missed(const struct told_since *since, uint32_t host)
{
    for (uint64_t n = told.count; n > since->reads && told.count - n < HASHES_MAX; n--) {
        const struct told_hash *hash = &told.hashes[(n - 1) % HASHES_MAX];
        model_check(told_trouble_since(since) || hash->host != host || hash->loop_round == 0 ||
                        hash->loop_round + READ_ROUNDS > model.counts.rounds,
                    "host %u: the store has answered, %llu rounds ago", host,
                    (unsigned long long)(model.counts.rounds - hash->loop_round));
    }
}

void told_judge_none(const struct told_since *since, uint32_t host)
{
    model_check(told.muddled || was_told(since, host, NULL),
                "host %u: not in the store, and the store has never said so", host);
}
