/* SPDX-License-Identifier: MIT */
#include "reads.h"

#include "calls.h"
#include "lookup/gather.h"
#include "model.h"
#include "rounds.h"
#include "told.h"
#include "truth.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

struct read {
    LIST_ENTRY(read) link;
    const struct share_query *query;
    struct told_since since;
    struct mono deadline;
    uint64_t memory_faults; /* when it was asked */
};

static struct {
    LIST_HEAD(, read) list;
    struct share_times times;
    void (*answer)(void *ctx, enum share_result result, const struct share_found *found);
} reads;

void reads_start(const struct share_times *times)
{
    LIST_INIT(&reads.list);
    reads.times = *times;
}

void reads_new_times(const struct share_times *times)
{
    reads.times = *times;
}

void reads_end(void)
{
    model_check(LIST_EMPTY(&reads.list), "a read of the tier is neither answered nor cancelled");
}

void reads_check(void)
{
    const struct read *read;

    LIST_FOREACH(read, &reads.list, link)
        model_check(mono_before(model.now, read->deadline),
                    "host %u: the tier is waited for %lld ms longer than it may be",
                    truth_host(&read->query->addr),
                    (long long)mono_ms_between(read->deadline, model.now));
}

static struct read *find_read(const void *ctx)
{
    struct read *read;

    LIST_FOREACH(read, &reads.list, link)
        if (read->query->ctx == ctx)
            return read;
    return NULL;
}

static void forget_read(struct read *read)
{
    LIST_REMOVE(read, link);
    free(read);
}

/* It fails before its time only if something went wrong. */
static void judge_failure(const struct read *read)
{
    model_check(!mono_before(model.now, read->deadline) || told_trouble_since(&read->since) ||
                    model.counts.memory_faults > read->memory_faults,
                "host %u: the tier failed %lld ms too early", truth_host(&read->query->addr),
                (long long)mono_ms_between(model.now, read->deadline));
}

static void on_read_answer(void *ctx, enum share_result result, const struct share_found *found)
{
    struct read *read = find_read(ctx);

    model_check(read, "the tier has answered what was not asked");
    const uint32_t host = truth_host(&read->query->addr);
    model_tell("host %u: the tier says %d", host, (int)result);
    model_digest((uint64_t)host << 8 | (uint64_t)result);
    model_check((found != NULL) == (result == SHARE_FOUND), "host %u: found is %p", host,
                (const void *)found);
    if (result != SHARE_FAILED)
        told_answered();
    switch (result) {
    case SHARE_FOUND:
        truth_check(host, &found->host, found->sensor);
        told_judge_found(&read->since, host, found);
        model.counts.tier_found++;
        break;
    case SHARE_NONE:
        told_judge_none(&read->since, host);
        model.counts.tier_none++;
        break;
    case SHARE_FAILED:
        judge_failure(read);
        if (mono_before(model.now, read->deadline)) {
            told_trouble(false);
        } else {
            told_judge_missed(&read->since, host);
            told_missed(&read->since);
        }
        model.counts.tier_failed++;
        break;
    }
    forget_read(read);
    rounds_tier_told(host, found);
    reads.answer(ctx, result, found);
}

/* ---- The calls. Names and types are the linker's and those of share/share.h. */

bool __real_share_ask(struct share *share, struct share_query *query);
void __real_share_cancel(struct share *share, struct share_query *query);
bool __wrap_share_ask(struct share *share, struct share_query *query);
void __wrap_share_cancel(struct share *share, struct share_query *query);

bool __wrap_share_ask(struct share *share, struct share_query *query)
{
    bool before = calls_disturb(false);
    struct read *read = calloc(1, sizeof *read);

    calls_disturb(before);
    model_check(read, "no memory for the model itself");
    model_check(!find_read(query->ctx), "host %u: the tier is asked twice at a time",
                truth_host(&query->addr));
    if (query->answer != on_read_answer)
        reads.answer = query->answer; /* it is the same for all */
    query->answer = on_read_answer;
    *read = (struct read){.query = query,
                          .since = told_now(),
                          .deadline = mono_add_ms(model.now, reads.times.timeout),
                          .memory_faults = model.counts.memory_faults};
    if (!__real_share_ask(share, query)) {
        model_check(!read->since.calm || model.counts.memory_faults > read->memory_faults,
                    "host %u: the tier is not asked, though all is well with it",
                    truth_host(&query->addr));
        model.counts.tier_skipped++;
        model.counts.tier_silent += told_is_silent();
        free(read);
        return false;
    }
    model_check(!told_is_silent(), "host %u: the tier is asked, though it does not answer",
                truth_host(&query->addr));
    LIST_INSERT_HEAD(&reads.list, read, link);
    model.counts.tier_asked++;
    rounds_tier_asked(truth_host(&query->addr));
    return true;
}

void __wrap_share_cancel(struct share *share, struct share_query *query)
{
    struct read *read = find_read(query->ctx);

    model_check(read, "host %u: cancelled, and it was not asked", truth_host(&query->addr));
    told_cancelled(read->deadline);
    forget_read(read);
    rounds_tier_told(truth_host(&query->addr), NULL);
    model.counts.tier_cancelled++;
    __real_share_cancel(share, query);
}
