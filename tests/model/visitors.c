/* SPDX-License-Identifier: MIT */
#include "visitors.h"

#include "calls.h"
#include "judge.h"
#include "lookup/fetch.h"
#include "model.h"
#include "refreshes.h"
#include "rounds.h"
#include "truth.h"
#include "visitor.h"

#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#define WAITING_MAX 512
#define WAIT_MAX_MS 5000
#define CALLERS 6 /* and some who have no address */
#define CALLER_WIDE 3

static struct {
    struct lookup *lookup;
    struct lookup_limits limits;
    struct visitor *waiting[WAITING_MAX];
    unsigned count;
    uint64_t done;                     /* of those who waited */
    uint32_t held[FLOW_WIDTHS][FLOWS]; /* admissions, by flow number */
    bool in_loop;
} visitors;

void visitors_start(struct lookup *lookup, const struct lookup_limits *limits,
                    const struct recall_times *times)
{
    visitors.lookup = lookup;
    visitors.limits = *limits;
    visitors.count = 0;
    memset(visitors.held, 0, sizeof visitors.held);
    judge_start(limits, times);
    refreshes_start();
    trouble_start();
}

unsigned visitors_waiting(void)
{
    return visitors.count;
}

/* ---- How long they wait */

/* By one sensor at least: then it waits for a better answer. */
static bool may_be_denied(const struct visitor *visitor)
{
    return truth_kind(visitor->host) != TRUTH_KNOWN || model.settings.sensors > 1;
}

/* Notes what the settings in force promise it, if it is taken now. */
static void promise(struct visitor *visitor)
{
    const struct lookup_limits *limits = &visitors.limits;
    int64_t asked = visitor->request.wait_ms;
    int64_t wait = asked == LOOKUP_WAIT_UNSET ? limits->first_contact_wait : asked;
    bool denied = may_be_denied(visitor);
    struct mono due = mono_add_ms(model.now, limits->timeout + (denied ? wait : 0));

    if (wait < visitor->wait_ms)
        visitor->wait_ms = wait;
    if (limits->timeout < visitor->timeout_ms)
        visitor->timeout_ms = limits->timeout;
    if (mono_before(visitor->due, due))
        visitor->due = due;
}

static void take(struct visitor *visitor)
{
    promise(visitor);
    visitor->taken = model.counts.rounds;
    visitor->late_ms = visitors.limits.timeout;
    visitor->state = VISITOR_TAKEN;
}

static void hold(struct flow flow, uint32_t more)
{
    for (unsigned width = 0; width < flow.widths; width++)
        visitors.held[width][flow.numbers[width]] += more;
}

static void on_done(struct lookup_request *request)
{
    struct visitor *visitor = (struct visitor *)request;

    trouble_look();
    model_check(visitors.in_loop, "host %u: done outside the loop", visitor->host);
    model_check(visitor->index < visitors.count && visitors.waiting[visitor->index] == visitor,
                "host %u: done twice", visitor->host);
    if (visitor->state == VISITOR_SUBMITTED)
        take(visitor); /* in the round in which it came */
    model_check(visitor->state == VISITOR_TAKEN, "host %u: done, and was never submitted",
                visitor->host);
    judge_visitor(visitor, false, false);
    visitors.done++;
    visitors.waiting[visitor->index] = visitors.waiting[--visitors.count];
    visitors.waiting[visitor->index]->index = visitor->index;
    struct flow flow = visitor->flow;
    free(visitor);
    if (chance_permille(&model.chance, 50)) {
        model.counts.asked_in_done++;
        visitors_come();
    }
    hold(flow, -1U); /* its admission is released when this returns */
}

/* ---- Coming */

static void submit(struct visitor *visitor)
{
    visitor->state = VISITOR_SUBMITTED;
    lookup_submit(visitors.lookup, &visitor->request);
}

static struct p0f_addr caller_of_network(uint32_t number, uint32_t wide, uint32_t narrow)
{
    return (struct p0f_addr){6,
                             {32, 1, 13, 184, 0, (uint8_t)number, (uint8_t)wide, (uint8_t)narrow}};
}

/* Mostly the same one, who wants more than is good for the others, or one of its network's. */
static const struct p0f_addr *call(void)
{
    static struct p0f_addr caller;
    uint32_t number =
        chance_permille(&model.chance, 700) ? 1 : chance_below(&model.chance, CALLERS);

    caller = (struct p0f_addr){4, {127, 0, 0, (uint8_t)number}};
    if (number % 2 == 1 && chance_permille(&model.chance, 500)) {
        uint32_t wide = chance_below(&model.chance, CALLER_WIDE);
        caller = caller_of_network(number, wide, chance_below(&model.chance, CALLERS));
    }
    return number > 0 ? &caller : NULL;
}

static bool has_number(struct p0f_addr caller, unsigned number)
{
    struct flow flow = lookup_flow(visitors.lookup, &caller);

    for (unsigned width = 0; width < flow.widths; width++)
        if (flow.numbers[width] == number)
            return true;
    return false;
}

bool visitors_have_flow(unsigned number)
{
    bool have = number < FLOW_STRANGERS;

    for (uint32_t caller = 1; caller < CALLERS; caller++) {
        have = have || has_number((struct p0f_addr){4, {127, 0, 0, (uint8_t)caller}}, number);
        for (uint32_t wide = 0; wide < CALLER_WIDE; wide++)
            for (uint32_t narrow = 0; narrow < CALLERS; narrow++)
                have = have || has_number(caller_of_network(caller, wide, narrow), number);
    }
    return have;
}

/* Whether this one is to be admitted: max_pending are for anybody, and the reserve is for flows that hold
 * few. So a newcomer is admitted when another flow holds everything, unless that is of its network. */
static bool has_room(struct flow flow, uint32_t pending)
{
    const struct lookup_limits *limits = &visitors.limits;

    if (pending < limits->max_pending)
        return true;
    for (unsigned width = 0; width < flow.widths; width++) {
        uint32_t few = limits->max_pending * (1U << width) / 64;
        if (visitors.held[width][flow.numbers[width]] >= (few > 1 ? few : 1))
            return false;
    }
    return pending < limits->max_pending + limits->reserve;
}

static bool answer_at_once(struct visitor *visitor)
{
    bool before = calls_disturb(true);
    bool at_once = lookup_recall(visitors.lookup, &visitor->request, true) ||
                   !lookup_admit(visitors.lookup, &visitor->request);

    calls_disturb(before);
    return at_once;
}

static void come(struct visitor *visitor)
{
    const struct p0f_addr *caller = call();
    uint32_t pending = lookup_pending(visitors.lookup);

    visitor->flow = lookup_flow(visitors.lookup, caller);
    bool full = !has_room(visitor->flow, pending);
    model.counts.requests++;
    visitor->came = model.now;
    visitor->mark = trouble_mark();
    visitor->request.addr = truth_addr(visitor->host);
    visitor->request.came = lookup_boottime(visitors.lookup);
    visitor->request.began = lookup_mono(visitors.lookup);
    visitor->request.flow = visitor->flow;
    visitor->request.done = on_done;
    lookup_prefetch(visitors.lookup, &visitor->request.addr);
    if (answer_at_once(visitor)) {
        const struct freshness *freshness = &visitor->request.freshness;
        uint32_t begun = lookup_pending(visitors.lookup) - pending;
        model_check(begun == 0 || (begun == 1 && visitor->request.outcome == LOOKUP_FOUND &&
                                   freshness->age_ms >= freshness->ttl_ms),
                    "host %u: answered at once, and %u more are pending", visitor->host, begun);
        model_check(begun == 0 || pending < visitors.limits.max_pending + visitors.limits.reserve,
                    "host %u: refreshed, though there was no room", visitor->host);
        if (begun == 1)
            refreshes_begin();
        judge_visitor(visitor, true, full);
        free(visitor);
        return;
    }
    model_check(!full, "host %u: admitted, though there was no room", visitor->host);
    model.counts.reserve_used += pending >= visitors.limits.max_pending;
    hold(visitor->flow, 1);
    model_check(lookup_pending(visitors.lookup) == pending + 1, "host %u: not counted as pending",
                visitor->host);
    model_check(visitors.count < WAITING_MAX, "more visitors than the model can hold");
    visitor->index = visitors.count++;
    visitors.waiting[visitor->index] = visitor;
    if (visitor->sure || chance_permille(&model.chance, 800))
        submit(visitor);
}

static struct visitor *visitor_for(uint32_t host)
{
    bool before = calls_disturb(false);
    struct visitor *visitor = calloc(1, sizeof *visitor);

    calls_disturb(before);
    model_check(visitor, "no memory for the model itself");
    visitor->host = host;
    visitor->wait_ms = visitor->timeout_ms = INT64_MAX;
    visitor->cut.ns = INT64_MAX;
    visitor->request.wait_ms = LOOKUP_WAIT_UNSET;
    visitor->request.max_age_ms = LOOKUP_MAX_AGE_UNSET;
    return visitor;
}

void visitors_come(void)
{
    struct chance *chance = &model.chance;
    struct visitor *visitor = visitor_for(chance_below(chance, model.mood.hot));
    struct lookup_request *request = &visitor->request;

    if (chance_permille(chance, 300))
        request->wait_ms = CHANCE_ONE_OF(chance, 0, 1, 20, 200, WAIT_MAX_MS);
    if (chance_permille(chance, 200))
        request->max_age_ms = CHANCE_ONE_OF(chance, 0, 1, 100, 5000, 100000);
    request->only_if_cached = chance_permille(chance, 50);
    come(visitor);
}

void visitors_come_surely(uint32_t host)
{
    struct visitor *visitor = visitor_for(host);

    visitor->sure = true;
    visitor->request.max_age_ms = 0;
    come(visitor);
}

void visitors_submit(bool all)
{
    for (unsigned i = 0; i < visitors.count; i++) {
        struct visitor *visitor = visitors.waiting[i];
        if (visitor->state == VISITOR_CLAIMED && (all || chance_permille(&model.chance, 200)))
            submit(visitor);
    }
}

/* ---- Going */

static void leave(struct visitor *visitor)
{
    struct lookup_request *request = &visitor->request;
    uint64_t done = visitors.done;

    if (chance_permille(&model.chance, 500)) {
        visitor->cancelled = true;
        fetch_cancel(request);
        model_check(visitors.done == done + 1, "cancelled, and %llu were done",
                    (unsigned long long)(visitors.done - done));
        return;
    }
    model.counts.cut_short++;
    visitor->cut = mono_earlier(visitor->cut, model.now);
    fetch_cut_short(request);
}

void visitors_leave(void)
{
    for (uint32_t n = chance_between(&model.chance, 1, 4); n > 0 && visitors.count > 0; n--) {
        struct visitor *visitor = visitors.waiting[chance_below(&model.chance, visitors.count)];
        if (visitor->state == VISITOR_TAKEN && !visitor->sure)
            leave(visitor);
    }
}

/* ---- Settings and rounds */

/* Bounds are what the slowest setting in force meanwhile allows. */
void visitors_new_limits(const struct lookup_limits *limits)
{
    for (unsigned i = 0; i < visitors.count; i++)
        if (visitors.waiting[i]->state == VISITOR_SUBMITTED)
            promise(visitors.waiting[i]); /* in the round that it came in */
    visitors.limits = *limits;
    judge_new_limits(limits);
    for (unsigned i = 0; i < visitors.count; i++) {
        struct visitor *visitor = visitors.waiting[i];
        struct mono due = mono_add_ms(model.now, WAIT_MAX_MS + limits->timeout);
        if (visitor->state == VISITOR_TAKEN && may_be_denied(visitor) &&
            mono_before(visitor->due, due))
            visitor->due = due;
    }
}

void visitors_before_round(void)
{
    for (unsigned i = 0; i < visitors.count; i++)
        if (visitors.waiting[i]->state == VISITOR_SUBMITTED)
            take(visitors.waiting[i]);
    refreshes_take(visitors.limits.timeout);
    visitors.in_loop = true;
    trouble_look();
    trouble_round();
}

void visitors_after_round(uint32_t relay_lookups, uint32_t relay_queries)
{
    visitors.in_loop = false;
    for (unsigned i = 0; i < visitors.count; i++) {
        const struct visitor *visitor = visitors.waiting[i];
        if (visitor->state == VISITOR_TAKEN && visitor->taken == model.counts.rounds)
            rounds_joined(visitor->host, visitor->late_ms);
        model_check(visitor->state != VISITOR_TAKEN || mono_before(model.now, visitor->due),
                    "host %u: not answered %lld ms after it was due", visitor->host,
                    (long long)mono_ms_between(visitor->due, model.now));
    }
    refreshes_check(lookup_pending(visitors.lookup), visitors.count + relay_lookups, relay_queries);
}
