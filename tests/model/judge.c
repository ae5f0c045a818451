/* SPDX-License-Identifier: MIT */
#include "judge.h"

#include "model.h"
#include "rounds.h"
#include "truth.h"

#include <sys/param.h>

static struct {
    struct recall_times times;
    bool limited; /* some setting in force up to now has limited how often p0f is asked again */
    uint64_t memory_faults; /* when the life began */
    enum lookup_outcome sure_outcome;
} judge;

void judge_start(const struct lookup_limits *limits, const struct recall_times *times)
{
    judge.times = *times;
    judge.limited = false;
    judge.memory_faults = model.counts.memory_faults;
    judge_new_limits(limits);
}

void judge_new_limits(const struct lookup_limits *limits)
{
    judge.limited |= limits->max_repeat_rate || limits->max_repeat_rate_per_client;
}

void judge_new_times(const struct recall_times *times)
{
    judge.times = *times;
}

enum lookup_outcome judge_sure_outcome(void)
{
    return judge.sure_outcome;
}

/* Whether this is what was found last, for sure: where there was no memory for that, what was found before may still be
 * remembered. The tier may have told the same both times. */
static bool is_last(const struct visitor *visitor, const struct p0f_host *host)
{
    const struct rounds_found *found = rounds_found(visitor->host);
    if (model.counts.memory_faults > judge.memory_faults)
        return false;
    model_check(found->any && found->number == host->total_conn,
                "host %u: answer %u, and not the last one", visitor->host, host->total_conn);
    return true;
}

static int64_t age_most(const struct visitor *visitor, bool at_once)
{
    const struct recall_times *times = &judge.times;
    const struct p0f_host *host = host_record_host(visitor->request.record);
    int64_t ttl = visitor->request.freshness.ttl_ms;
    int64_t beyond = times->stale_while_revalidate;
    bool incomplete = host->os_name[0] == '\0';

    if (is_last(visitor, host))
        incomplete = incomplete || rounds_found(visitor->host)->partial;
    else
        incomplete = incomplete || ttl != times->ttl;
    model_check(ttl == (incomplete ? MIN(times->incomplete_ttl, times->ttl) : times->ttl),
                "host %u: a time to live of %lld, and it is %s", visitor->host, (long long)ttl,
                incomplete ? "incomplete" : "complete");
    if (!at_once && times->stale_if_error > beyond)
        beyond = times->stale_if_error;
    return ttl + beyond;
}

/* What the cache remembers must be as fresh as the request wants it. */
static void judge_remembered(const struct visitor *visitor, bool at_once, int64_t max)
{
    const struct lookup_request *request = &visitor->request;
    int64_t age = request->freshness.age_ms;

    model_check(age < max, "host %u: served at %lld ms, where %lld are the most%s", visitor->host,
                (long long)age, (long long)max, at_once ? "" : " when p0f fails");
    model_check(request->max_age_ms < 0 || age < request->max_age_ms ||
                    request->freshness.rate_limited,
                "host %u: served at %lld ms to one who takes %lld at most", visitor->host,
                (long long)age, (long long)request->max_age_ms);
}

/* It holds as of when it reached the daemon. Of several who were asked, as of when they were: one may have answered
 * long before another. */
static void judge_age(const struct visitor *visitor, const struct truth_said *said)
{
    const struct p0f_host *host = host_record_host(visitor->request.record);
    int64_t age = visitor->request.freshness.age_ms;
    struct boottime now = model_boottime();
    int64_t oldest = boottime_ms_between(said->at, now);
    int64_t youngest = boottime_ms_between(truth_told(host), now);

    if (model.settings.sensors > 1 || model.settings.shared) {
        if (!is_last(visitor, host))
            return;
        youngest = oldest = boottime_ms_between(rounds_found(visitor->host)->asked, now);
    }
    model_check(age >= youngest && age <= oldest,
                "host %u: as of between %lld and %lld ms ago, served as of %lld ms ago",
                visitor->host, (long long)oldest, (long long)youngest, (long long)age);
}

static void judge_found(const struct visitor *visitor, bool at_once, bool overloaded)
{
    const struct lookup_request *request = &visitor->request;
    const struct freshness *freshness = &request->freshness;

    model_check(!truth_is_nowhere(visitor->host), "host %u: found", visitor->host);
    model_check(request->record, "host %u: found, without an answer", visitor->host);
    const struct truth_said *said = truth_check(visitor->host, host_record_host(request->record),
                                                host_record_sensor(request->record));
    judge_age(visitor, said);
    if (freshness->source == FRESHNESS_HIT) {
        judge_remembered(visitor, at_once, age_most(visitor, at_once && !overloaded));
        model.counts.hits++;
        model.counts.stale += freshness->age_ms >= freshness->ttl_ms;
    } else {
        model_check(!at_once, "host %u: p0f cannot have been asked", visitor->host);
        model_check(freshness->collapsed || rounds_found(visitor->host)->shared ||
                        !boottime_before(said->at, request->came),
                    "host %u: an answer from before the query", visitor->host);
    }
    host_record_unref(request->record);
}

static void judge_no_match(const struct visitor *visitor, bool at_once)
{
    const struct lookup_request *request = &visitor->request;
    const struct freshness *freshness = &request->freshness;
    struct mono believe = mono_earlier(mono_add_ms(visitor->came, visitor->wait_ms), visitor->cut);
    bool remembered = freshness->source == FRESHNESS_HIT;

    model_check(truth_kind(visitor->host) != TRUTH_KNOWN, "host %u: not found", visitor->host);
    model_check(!request->record, "host %u: not found, with an answer", visitor->host);
    model_check(truth_denied_since(visitor->host, model.began), "host %u: p0f never denied it",
                visitor->host);
    if (at_once || remembered) {
        model_check(remembered, "host %u: not a hit", visitor->host);
        model_check(request->wait_ms <= 0 || request->only_if_cached || freshness->rate_limited,
                    "host %u: \"no match\" from memory for one who would wait", visitor->host);
        model_check(at_once || freshness->rate_limited, "host %u: from memory", visitor->host);
        judge_remembered(visitor, true, judge.times.negative_ttl);
        return;
    }
    if (request->wait_ms <= 0 && freshness->collapsed)
        return; /* answered to another meanwhile */
    model_check(!mono_before(model.now, believe), "host %u: \"no match\" %lld ms too early",
                visitor->host, (long long)mono_ms_between(model.now, believe));
    model_check(freshness->collapsed || truth_denied_since(visitor->host, visitor->came),
                "host %u: \"no match\" from before the query", visitor->host);
}

/* One connection that breaks is no reason to give up while there are others. */
static void judge_patience(const struct visitor *visitor)
{
    model_check(model.settings.connections == 1 || !trouble_one_broken_since(&visitor->mark),
                "host %u: given up after one connection", visitor->host);
}

/* Who has waited long enough gets what there is, but for one who comes too late to wait at all, and one who may have
 * gone: that one gets what it has been told before. */
static void judge_empty_hands(const struct visitor *visitor)
{
    bool waits = visitor->taken < model.counts.rounds && visitor->cut.ns == INT64_MAX;

    model_check(!waits || !rounds_has_found(visitor->host), "host %u: not told, though it is found",
                visitor->host);
}

static void judge_unavailable(const struct visitor *visitor, bool at_once)
{
    bool incomplete = visitor->request.outcome == LOOKUP_INCOMPLETE;

    model_check(!incomplete || model.settings.sensors > 1, "host %u: denied by some, of one sensor",
                visitor->host);
    model_check(!at_once && trouble_since(&visitor->mark), "host %u: unavailable without a cause",
                visitor->host);
    judge_patience(visitor);
    judge_empty_hands(visitor);
    model.counts.unavailable += !incomplete;
    model.counts.incomplete += incomplete;
}

void judge_visitor(const struct visitor *visitor, bool at_once, bool full)
{
    const struct lookup_request *request = &visitor->request;
    bool only_if_cached = request->only_if_cached;

    model_tell("host %u: outcome %d%s", visitor->host, (int)request->outcome,
               at_once ? " at once" : "");
    model_check(!visitor->cancelled || request->outcome == LOOKUP_CANCELLED,
                "host %u: answered, and was cancelled", visitor->host);
    model_check(!request->freshness.rate_limited || judge.limited,
                "host %u: limited, though no rate is", visitor->host);
    model.counts.remembered +=
        request->freshness.rate_limited && request->freshness.source == FRESHNESS_HIT;
    model.counts.put_off +=
        request->freshness.rate_limited && request->freshness.source != FRESHNESS_HIT;
    model_digest((uint64_t)visitor->host << 8 | (uint64_t)request->outcome);
    model_check(at_once || !only_if_cached, "host %u: asked, though only the cache was to be",
                visitor->host);
    switch (request->outcome) {
    case LOOKUP_FOUND:
        judge_found(visitor, at_once, full && !only_if_cached);
        model.counts.found++;
        break;
    case LOOKUP_NO_MATCH:
        judge_no_match(visitor, at_once);
        model.counts.no_match++;
        break;
    case LOOKUP_BAD_RESPONSE:
        model_check(!at_once && trouble_lies_since(&visitor->mark),
                    "host %u: p0f has answered no nonsense", visitor->host);
        judge_patience(visitor);
        model.counts.bad_response++;
        break;
    case LOOKUP_INCOMPLETE:
    case LOOKUP_UNAVAILABLE:
        judge_unavailable(visitor, at_once);
        break;
    case LOOKUP_OVERLOADED:
        model_check(at_once && full, "host %u: refused, though there was room", visitor->host);
        model.counts.overloaded++;
        break;
    case LOOKUP_TIMEOUT:
        model_check(!at_once &&
                        !mono_before(model.now, mono_add_ms(visitor->came, visitor->timeout_ms)),
                    "host %u: timed out before its time", visitor->host);
        judge_empty_hands(visitor);
        model.counts.timeouts++;
        break;
    case LOOKUP_CANCELLED:
        model_check(!at_once && visitor->cancelled, "host %u: cancelled by nobody", visitor->host);
        model.counts.cancelled++;
        break;
    case LOOKUP_NOT_CACHED:
    case LOOKUP_NOT_FRESH:
    case LOOKUP_CONTRADICTORY:
        model_check((request->outcome == LOOKUP_CONTRADICTORY) == (request->max_age_ms == 0),
                    "host %u: not cached for another reason", visitor->host);
        model_check(at_once && only_if_cached, "host %u: p0f was not asked", visitor->host);
        model.counts.not_cached++;
        break;
    }
    if (visitor->sure)
        judge.sure_outcome = request->outcome;
}
