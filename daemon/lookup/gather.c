/* SPDX-License-Identifier: MIT */
#include "lookup/gather.h"

#include "core/metrics.h"

#include <string.h>

/* The query to one sensor. */
struct asked_sensor {
    struct gather *gather;
    struct pool_query query;
    enum p0f_error said; /* in this round; P0F_UNREACHABLE until it has answered */
    bool outstanding;    /* the query is queued or sent */
    bool left_out;       /* the round does not wait for it */
    bool retried;        /* in this round, after its connection broke */
};

struct gather {
    const struct gather_parts *parts;
    gather_answer_fn *answer;
    void (*released)(void *ctx);
    void *ctx;

    bool in_round;
    bool unwanted; /* nobody is waiting for the round */
    bool ended;    /* only outstanding queries keep it */

    struct share_query tier;
    bool tier_outstanding;
    bool tier_answered; /* it does not know the host, or failed */

    bool found; /* in this round; the newest so far follows */
    bool found_own;
    unsigned found_index; /* of the sensor, if found_own */
    uint32_t found_seen;  /* last_seen by this machine's clock */
    const char *found_sensor;
    struct p0f_host found_host;
    char tier_sensor[SHARE_SENSOR_SIZE]; /* the name, if the tier found it */

    unsigned count;
    struct asked_sensor asked[];
};

static struct pool *pool_of(const struct asked_sensor *asked)
{
    const struct gather *gather = asked->gather;

    return sensors_pool(gather->parts->sensors, (unsigned)(asked - gather->asked));
}

/* ---- The newest host */

static void keep_found(struct gather *gather, const struct p0f_host *host, uint32_t seen,
                       const char *sensor)
{
    gather->found = true;
    gather->found_seen = seen;
    gather->found_host = *host;
    gather->found_sensor = sensor;
}

static void take_own(struct gather *gather, unsigned index, const struct p0f_host *host)
{
    uint32_t seen = host->last_seen;
    bool first = !gather->found_own || index < gather->found_index;

    if (gather->found && (seen < gather->found_seen || (seen == gather->found_seen && !first)))
        return;
    keep_found(gather, host, seen, sensors_name(gather->parts->sensors, index));
    gather->found_own = true;
    gather->found_index = index;
}

static void take_shared(struct gather *gather, const struct share_found *found)
{
    if (gather->found && found->seen <= gather->found_seen)
        return;
    memcpy(gather->tier_sensor, found->sensor, sizeof gather->tier_sensor);
    keep_found(gather, &found->host, found->seen, gather->tier_sensor);
    gather->found_own = false;
}

/* ---- Rounds */

static bool awaits_sensor(const struct gather *gather)
{
    for (unsigned i = 0; i < gather->count; i++)
        if (gather->asked[i].outstanding && !gather->asked[i].left_out)
            return true;
    return false;
}

static bool is_down(enum p0f_error error)
{
    return error == P0F_UNREACHABLE || error == P0F_DISCONNECTED || error == P0F_LOST;
}

/* Why an answer is missing; P0F_NO_MATCH if none is. *denied: a sensor has said "no match". If several are
 * missing, one that is down is the better reason than a malformed answer. */
static enum p0f_error missing_answer(const struct gather *gather, bool *denied)
{
    enum p0f_error missing = P0F_NO_MATCH;

    *denied = false;
    for (unsigned i = 0; i < gather->count; i++) {
        enum p0f_error said = gather->asked[i].said;
        if (said == P0F_NO_MATCH)
            *denied = true;
        else if (said != P0F_OK && (missing == P0F_NO_MATCH || is_down(said)))
            missing = said;
    }
    return missing;
}

/* The callback may free the gather. */
static void end_round(struct gather *gather)
{
    bool denied;
    enum p0f_error missing = missing_answer(gather, &denied);
    struct gather_answer answer = {.error = missing, .partial = missing != P0F_NO_MATCH && denied};

    gather->in_round = false;
    if (gather->found)
        answer = (struct gather_answer){.error = P0F_OK,
                                        .host = &gather->found_host,
                                        .sensor = gather->found_sensor,
                                        .partial = missing != P0F_NO_MATCH};
    gather->answer(gather->ctx, &answer);
}

static void end_round_if_complete(struct gather *gather)
{
    if (gather->in_round && !gather->tier_outstanding && !awaits_sensor(gather))
        end_round(gather);
}

static void release_if_unused(struct gather *gather)
{
    for (unsigned i = 0; i < gather->count; i++)
        if (gather->asked[i].outstanding)
            return;
    gather->released(gather->ctx);
}

/* ---- Sensors */

/* A broken connection need not be the query's fault, so the query is sent again once, on another connection;
 * more often if the answer to another query broke the connection. */
static bool retry(struct asked_sensor *asked, enum p0f_error error)
{
    bool innocent = error == P0F_LOST;
    bool again = !asked->gather->unwanted && (innocent || !asked->retried);

    asked->retried |= !innocent;
    return again && pool_ask(pool_of(asked), &asked->query) == P0F_OK;
}

/* An answer after the end is dropped: all requests have been answered, and a new one starts a new query. */
static void on_sensor_answer(void *ctx, enum p0f_error error, const struct p0f_host *host)
{
    struct asked_sensor *asked = ctx;
    struct gather *gather = asked->gather;

    if ((gather->unwanted || gather->ended) && error <= P0F_BAD_QUERY)
        metrics_count(METRIC_P0F_ABANDONED);
    if (gather->ended) {
        asked->outstanding = false;
        release_if_unused(gather);
        return;
    }
    if (error > P0F_BAD_QUERY && retry(asked, error))
        return;
    asked->outstanding = false;
    asked->said = error;
    if (error == P0F_OK) {
        unsigned index = (unsigned)(asked - gather->asked);
        take_own(gather, index, host);
        if (gather->parts->share)
            share_write(gather->parts->share, &asked->query.addr, host,
                        sensors_name(gather->parts->sensors, index));
    }
    end_round_if_complete(gather);
}

static void ask_sensor(struct asked_sensor *asked, unsigned flow, bool has_others,
                       int64_t timeout_ms)
{
    struct pool *pool = pool_of(asked);

    asked->said = P0F_UNREACHABLE;
    asked->left_out = has_others && pool_overdue_ms(pool) >= timeout_ms;
    if (asked->outstanding) {
        pool_promote(pool, &asked->query, flow);
    } else if (!asked->left_out) {
        asked->query.flow = flow;
        asked->retried = false;
        asked->outstanding = pool_ask(pool, &asked->query) == P0F_OK;
    }
}

/* Drops queries that are not sent yet. */
static void cancel_queued(struct gather *gather)
{
    for (unsigned i = 0; i < gather->count; i++) {
        struct asked_sensor *asked = &gather->asked[i];
        if (asked->outstanding && pool_cancel(pool_of(asked), &asked->query))
            asked->outstanding = false;
    }
}

/* ---- The tier */

static void on_tier_answer(void *ctx, enum share_result result, const struct share_found *found)
{
    struct gather *gather = ctx;

    gather->tier_outstanding = false;
    gather->tier_answered = result != SHARE_FOUND;
    if (result == SHARE_FOUND)
        take_shared(gather, found);
    end_round_if_complete(gather);
}

static void ask_tier(struct gather *gather)
{
    struct share *share = gather->parts->share;

    if (!share || gather->tier_outstanding || gather->tier_answered)
        return;
    gather->tier_outstanding = share_ask(share, &gather->tier);
}

static void give_up_tier(struct gather *gather)
{
    if (gather->tier_outstanding)
        share_cancel(gather->parts->share, &gather->tier);
    gather->tier_outstanding = false;
}

/* ---- Interface */

bool gather_ask(struct gather *gather, unsigned flow, int64_t timeout_ms)
{
    gather->unwanted = false;
    gather->found = gather->found_own = false;
    ask_tier(gather);
    for (unsigned i = 0; i < gather->count; i++)
        ask_sensor(&gather->asked[i], flow, gather->count > 1 || gather->tier_outstanding,
                   timeout_ms);
    gather->in_round = gather->tier_outstanding || awaits_sensor(gather);
    return gather->in_round;
}

bool gather_is_stuck(const struct gather *gather, int64_t timeout_ms)
{
    if (!gather->in_round || gather->unwanted)
        return gather->in_round;
    if (gather->count == 1 || gather->tier_outstanding)
        return false;
    for (unsigned i = 0; i < gather->count; i++) {
        const struct asked_sensor *asked = &gather->asked[i];
        if (asked->outstanding && !asked->left_out && pool_overdue_ms(pool_of(asked)) < timeout_ms)
            return false;
    }
    return true;
}

void gather_promote(struct gather *gather, unsigned flow)
{
    for (unsigned i = 0; i < gather->count; i++)
        if (gather->asked[i].outstanding)
            pool_promote(pool_of(&gather->asked[i]), &gather->asked[i].query, flow);
}

bool gather_expire(struct gather *gather)
{
    if (!gather->in_round || (!gather->found && awaits_sensor(gather)))
        return false;
    give_up_tier(gather);
    end_round(gather);
    return true;
}

bool gather_cancel(struct gather *gather)
{
    gather->unwanted = true;
    cancel_queued(gather);
    return !gather->in_round || (!gather->tier_outstanding && !awaits_sensor(gather));
}

/* ---- The whole */

bool gather_has_several(const struct gather_parts *parts)
{
    return parts->share || sensors_count(parts->sensors) > 1;
}

size_t gather_size(const struct gather_parts *parts)
{
    return sizeof(struct gather) + sensors_count(parts->sensors) * sizeof(struct asked_sensor);
}

void gather_start(struct gather *gather, const struct gather_parts *parts,
                  const struct p0f_addr *addr, gather_answer_fn *answer,
                  void (*released)(void *ctx), void *ctx)
{
    memset(gather, 0, gather_size(parts));
    gather->parts = parts;
    gather->answer = answer;
    gather->released = released;
    gather->ctx = ctx;
    gather->tier = (struct share_query){.addr = *addr, .answer = on_tier_answer, .ctx = gather};
    gather->count = sensors_count(parts->sensors);
    for (unsigned i = 0; i < gather->count; i++) {
        struct asked_sensor *asked = &gather->asked[i];
        asked->gather = gather;
        asked->query = (struct pool_query){.addr = *addr, .answer = on_sensor_answer, .ctx = asked};
    }
}

void gather_end(struct gather *gather)
{
    gather->ended = true;
    give_up_tier(gather);
    cancel_queued(gather);
    release_if_unused(gather);
}
