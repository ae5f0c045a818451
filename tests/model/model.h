/* SPDX-License-Identifier: MIT */
/* A simulation of all that a lookup goes through: the real cache, flights, fetches, pool, links and
 * connections, in one thread, with a clock that only this program moves and a p0f that it plays itself on
 * a real unix socket for each sensor. A random number decides what happens next, so the seed decides everything.
 *
 * It runs lives. A life is a daemon with its own settings, from start to shutdown, in a number of steps;
 * the invariants are checked after each step that can change anything. The parts:
 *   calls     the daemon's system calls and allocations, which fail now and then
 *   tap       watches the daemon's connections to p0f at these calls
 *   truth     the hosts, and what each sensor has said of them, and when
 *   sim_p0f   the p0fs, and what goes wrong with them
 *   sim_store the shared tier, and what goes wrong with it; shelf: what is in it;
 *             told: what it has told, and what must come of it
 *   reads     what the tier has answered, and when
 *   rounds    what the daemon may make of the answers that have reached it
 *   trouble   what explains an error
 *   refreshes what the daemon does on its own account
 *   visitors  the daemon's clients; judge: what each may be told
 *   relay_clients  those of the relay, and what they may be told
 *   peers     what happens to p0fs and store in a step
 *   luck      settings and moods
 *   subject   the daemon's modules, put together
 *   life      one life */
#ifndef MODEL_H
#define MODEL_H

#include "chance.h"
#include "core/clock.h"
#include "p0fclient.h"

#include <stdint.h>

/* What happened, over all lives. A run in which one of these never happened has not tested it. */
/* clang-format off */
#define MODEL_COUNTS(X)                                                                        \
    X(steps) X(rounds) X(calm_checks) X(drained_lives) X(given_up) X(requests) X(hits)         \
    X(stale) X(refreshes) X(asked_in_done) X(evictions) X(reserve_used) X(found) X(no_match)   \
    X(bad_response) X(unavailable) X(incomplete) X(overloaded) X(timeouts) X(not_cached)       \
    X(cancelled) X(cut_short) X(put_off) X(remembered) X(relay_queries) X(relay_found)         \
    X(relay_no_match) X(relay_bad_queries) X(relay_failed) X(relay_refreshes)                  \
    X(relay_half_closed) X(relay_gone) X(relay_turns) X(timeouts_shortened) X(connects)        \
    X(refused_connects) X(queries) X(answers) X(rate_limited) X(full_pipelines) X(stalls)      \
    X(splits) X(over_slots) X(hang_ups) X(restarts) X(swaps) X(tier_asked) X(tier_found)       \
    X(tier_none) X(tier_failed) X(tier_skipped) X(tier_silent) X(tier_cancelled)               \
    X(tier_writes) X(tier_unchanged) X(tier_expired) X(tier_delays) X(tier_errors)             \
    X(tier_wrong_types) X(tier_nonsense) X(tier_splits) X(tier_hang_ups) X(tier_restarts)      \
    X(clock_sets) X(left_out) X(asked_anew) X(partial) X(own_choices) X(tier_wins)             \
    X(tier_loses) X(denied_by_some) X(spoiled) X(unasked) X(bad_queries) X(faults)             \
    X(memory_faults) X(suspends)
/* clang-format on */

struct model_counts {
#define X(name) uint64_t name;
    MODEL_COUNTS(X)
#undef X
};

#define MODEL_SENSORS_MAX 4

/* What the daemon of a life was started with. */
struct model_settings {
    unsigned sensors;
    bool shared;          /* there is a tier */
    unsigned connections; /* to each sensor */
    unsigned pipeline;
    enum p0f_dialect dialect;
    bool faultless; /* system calls and allocations never fail */
};

/* What the times are like; it changes now and then. Permille unless it says else. */
struct model_mood {
    uint32_t visits;      /* steps that are a visit */
    uint32_t relay;       /* steps before which a client of the relay does something */
    uint32_t hot;         /* hosts that are asked for */
    int64_t pass_most_ns; /* of time in a step */
    struct p0f_mood {     /* of each sensor */
        uint32_t rounds;  /* most in a step of p0f's; 0: it is stalled */
        uint32_t lies;    /* answers that are none, or not of the query */
        uint32_t splits;  /* answers that come in pieces */
        uint32_t hang_ups;
        uint32_t restarts;
        uint32_t slots; /* connections that p0f serves */
    } p0f[MODEL_SENSORS_MAX];
    struct store_mood {  /* of the tier */
        uint32_t rounds; /* as for p0f */
        uint32_t prompt; /* rounds of the loop after which it answers at once */
        uint32_t late;   /* commands that take their time */
        uint32_t errors;
        uint32_t wrong_types; /* keys that are no hash */
        uint32_t nonsense;    /* replies that are none, or one too many */
        uint32_t others;      /* reads before which another machine writes */
        uint32_t splits;
        uint32_t hang_ups; /* within a reply */
        uint32_t restarts;
    } store;
    uint32_t faults;        /* system calls that fail, or do less than they could */
    uint32_t memory_faults; /* allocations that fail */
    uint32_t leaves;        /* steps before which some go */
    uint32_t changes;       /* of settings that may change while it runs */
    uint32_t suspends;      /* of the machine */
    uint32_t clock_sets;    /* of its wall clock */
};

struct model {
    struct chance chance;
    uint64_t life; /* seed of this one */
    uint64_t step; /* in this life */
    struct mono now;
    int64_t slept_ns; /* while the machine was suspended, which `now` does not count */
    int64_t wall_off; /* seconds by which the wall clock has been set */
    struct mono began;
    struct model_settings settings;
    struct model_mood mood;
    struct model_counts counts;
    uint64_t digest; /* of all that visitors were told: equal seeds, equal digests */
    bool verbose;
};

extern struct model model;

struct mono model_clock(void);
struct boottime model_boottime(void);
int64_t model_wall(void); /* Unix seconds; it may be set */

/* Says what does not hold and how to see it again, and ends the program. */
void model_fail(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* With -v: what happens, to stderr. */
void model_tell(const char *format, ...) __attribute__((format(printf, 1, 2)));

void model_digest(uint64_t value);

#define model_check(holds, ...)                                                                    \
    do {                                                                                           \
        if (!(holds))                                                                              \
            model_fail(__VA_ARGS__);                                                               \
    } while (0)

#endif
