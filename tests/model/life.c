/* SPDX-License-Identifier: MIT */
#include "life.h"

#include "calls.h"
#include "judge.h"
#include "luck.h"
#include "model.h"
#include "peers.h"
#include "reads.h"
#include "relay_clients.h"
#include "rounds.h"
#include "shelf.h"
#include "sim_store.h"
#include "subject.h"
#include "tap.h"
#include "told.h"
#include "trouble.h"
#include "truth.h"
#include "visitors.h"

#include <string.h>

#define SETTLE_ROUNDS 64
#define CALM_MS 16000 /* the longest wait, time-out, pause of a link and aftermath together */
#define CALM_STEP_MS 40
#define NS_PER_MS INT64_C(1000000)

static struct {
    void (*todo)(void); /* in the loop's thread */
    unsigned drained;   /* times that it was told */
    bool gave_up;
    unsigned left; /* connections that the pool has given up */
    struct p0f_conn *conns[SENSORS_CONNECTIONS_MAX];
} life;

static struct chance *const chance = &model.chance;

/* ---- p0f and the loop */

/* As drain_process.c does. When p0f has sent nonsense, it is not known for sure that nothing is outstanding:
 * those are closed `at_last`. */
static void drain_left(bool at_last)
{
    for (unsigned i = life.left; i-- > 0;) {
        enum p0f_error error = p0f_conn_io(life.conns[i]);
        if ((error == P0F_OK || at_last) && p0f_conn_free(life.conns[i]))
            life.conns[i] = life.conns[--life.left];
    }
}

/* What is to be done in the loop's thread is done in the next round, by its last timer. */
static void end_loop_round(void *ctx)
{
    void (*todo)(void) = life.todo;

    life.todo = NULL;
    if (todo)
        todo();
    loop_stop(ctx);
}

static void check_bounds(void)
{
    struct recall_counts counts = recall_counts(subject.recall);

    model_check(counts.hosts <= subject.cache_options.max_hosts, "%u hosts in a cache for %u",
                counts.hosts, subject.cache_options.max_hosts);
    model_check(counts.misses <= subject.cache_options.max_misses, "%u misses in a cache for %u",
                counts.misses, subject.cache_options.max_misses);
    model_check((counts.hosts == 0) == (counts.hosts_bytes == 0), "%u hosts take %llu bytes",
                counts.hosts, (unsigned long long)counts.hosts_bytes);
    model_check((counts.misses == 0) == (counts.misses_bytes == 0), "%u misses take %llu bytes",
                counts.misses, (unsigned long long)counts.misses_bytes);
    model_check(sensors_outstanding(subject.sensors) <= model.settings.sensors *
                                                            model.settings.connections *
                                                            (model.settings.pipeline + TAP_PROBES),
                "%u answers are outstanding in the pool", sensors_outstanding(subject.sensors));
}

static void loop_round(void)
{
    struct loop_timer stop = {.fire = end_loop_round, .ctx = subject.loop};

    model.counts.rounds++;
    loop_arm(subject.loop, &stop, model.now);
    visitors_before_round();
    told_round();
    relay_clients_before_round();
    calls_disturb(true);
    unsigned relay_queries = relay_clients_waiting();
    int result = loop_run(subject.loop);
    calls_disturb(false);
    model_check(result == 0, "the loop has failed");
    visitors_after_round(relay_counts(subject.relay).lookups, relay_queries);
    relay_clients_after_round();
    rounds_check();
    reads_check();
    drain_left(false);
    check_bounds();
}

/* When nothing happens, and no time passes, there is soon nothing left to do. */
static void check_rest(void)
{
    uint32_t faults = model.mood.faults, memory_faults = model.mood.memory_faults;
    uint64_t calls;
    unsigned rounds = 0;

    model.mood.faults = model.mood.memory_faults = 0;
    do {
        calls = calls_made();
        loop_round();
        model_check(++rounds < SETTLE_ROUNDS, "the loop spins");
    } while (calls_made() != calls);
    model.mood.faults = faults;
    model.mood.memory_faults = memory_faults;
}

/* ---- Steps */

static void pass(int64_t ns)
{
    model.now = mono_add_ns(model.now, ns);
}

/* By somebody, or by the network. */
static void set_clock(void)
{
    model.counts.clock_sets++;
    model.wall_off += (int64_t)CHANCE_ONE_OF(chance, 1, 60, 3600, 200000) *
                      (chance_permille(chance, 500) ? 1 : -1);
}

/* Nobody's deadline comes nearer, but all that is remembered ages. */
static void suspend(void)
{
    int64_t ms = (int64_t)CHANCE_ONE_OF(chance, 1, 40, 900, 40000, 5000000);

    model.counts.suspends++;
    model_tell("suspended for %lld ms", (long long)ms);
    model.slept_ns += ms * NS_PER_MS;
}

static void step(void)
{
    uint32_t what = chance_below(chance, 1000);

    model.step++;
    model.counts.steps++;
    if (chance_permille(chance, 5))
        luck_mood();
    if (chance_permille(chance, model.mood.changes))
        life.todo = subject_change_settings;
    else if (chance_permille(chance, model.mood.leaves))
        life.todo = visitors_leave;
    if (chance_permille(chance, model.mood.suspends))
        suspend();
    if (chance_permille(chance, model.mood.clock_sets))
        set_clock();
    peers_change();
    visitors_submit(false);
    if (chance_permille(chance, model.mood.relay))
        relay_clients_act();
    if (what < model.mood.visits) {
        visitors_come();
        return;
    }
    what = chance_below(chance, 100);
    if (what < 25)
        pass((int64_t)(chance_next(chance) % (uint64_t)model.mood.pass_most_ns));
    else if (what < 55)
        peers_act();
    else if (what < 96) {
        loop_round();
        if (peers_are_prompt())
            loop_round();
    } else
        check_rest();
}

/* ---- What must be so once all is well */

/* Time passes, p0f answers all that it is asked, nothing fails. */
static void pass_calmly(int64_t ms)
{
    for (int64_t passed = 0; passed < ms; passed += CALM_STEP_MS) {
        pass(CALM_STEP_MS * NS_PER_MS);
        loop_round();
        peers_finish();
        loop_round();
    }
}

/* Who asked in done() has come later than the others. */
static void serve_all(void)
{
    relay_clients_read_all();
    while (visitors_waiting() > 0 || relay_clients_waiting() > 0) {
        visitors_submit(true);
        pass_calmly(CALM_STEP_MS);
        relay_clients_read_all();
    }
}

static void heal(void)
{
    peers_heal();
    visitors_submit(true);
}

/* Whether the daemon cannot make out any connection of a sensor that may know what is asked for. */
static bool is_deaf(void)
{
    return model.settings.sensors == 1 ? tap_healthy() == 0 : tap_muddled() > 0;
}

static void ask_surely(uint32_t host)
{
    visitors_come_surely(host);
    pass_calmly(2 * subject.limits.timeout);
    model_check(judge_sure_outcome() == LOOKUP_FOUND || is_deaf(),
                "host %u: all is well, but for an outcome of %d", host, (int)judge_sure_outcome());
}

/* The daemon comes back by itself: all its connections serve, nobody waits, and who asks is told. */
static void check_recovery(void)
{
    model.counts.calm_checks++;
    model_tell("calm");
    heal();
    pass_calmly(CALM_MS);
    serve_all();
    pass_calmly(CALM_MS);
    model_check(lookup_pending(subject.lookup) == 0, "%u are pending, and nobody waits",
                lookup_pending(subject.lookup));
    const unsigned connections = model.settings.sensors * model.settings.connections;
    model_check(tap_healthy() + tap_muddled() == connections,
                "of %u connections %u serve, long after all was well again", connections,
                tap_healthy());
    model_check(tap_muddled() > 0 || sensors_outstanding(subject.sensors) == 0,
                "the pool thinks that %u answers are outstanding",
                sensors_outstanding(subject.sensors));
    subject.limits = (struct lookup_limits){.timeout = 2000, .max_pending = 64};
    subject_set_limits();
    uint32_t host = 3 * (1 + chance_below(chance, TRUTH_HOSTS / 4)); /* p0f always knows it */
    ask_surely(host);
    model_check(!model.settings.shared || shelf_has_own(host) || is_deaf(),
                "host %u: not written to the tier", host);
    if (model.settings.shared) {
        host = 9 * chance_below(chance, TRUTH_HOSTS / 9) + 4; /* no p0f of ours does */
        shelf_put_elsewhere(host);
        ask_surely(host);
    }
}

/* ---- Birth and death */

static void on_drained(void *ctx)
{
    (void)ctx;
    life.drained++;
    model_check(life.drained == 1, "drained twice");
    model_check(life.gave_up || tap_outstanding_all() == 0,
                "drained, and %llu answers are outstanding",
                (unsigned long long)tap_outstanding_all());
}

static void retire(void)
{
    subject.limits.max_pending = subject.limits.reserve = 0;
    relay_clients_shut_down();
    relay_shut_down(subject.relay);
    lookup_close(subject.lookup);
    visitors_new_limits(&subject.limits);
    relay_clients_new_limits(&subject.limits);
    trouble_retired();
    sensors_retire(subject.sensors, on_drained, NULL);
}

/* Nobody waits for p0f any more, but for the child that has its connections. */
static void give_up(void)
{
    life.gave_up = true;
    rounds_deaf();
    life.left = sensors_give_up(subject.sensors, life.conns);
    model.counts.given_up += life.left;
    model_check(sensors_outstanding(subject.sensors) == 0,
                "given up, and the pool waits for %u answers",
                sensors_outstanding(subject.sensors));
}

/* Shutdown, however things stand; p0f is well again at some time, or ends. */
static void die(void)
{
    life.todo = retire;
    loop_round();
    for (uint32_t n = chance_below(chance, 200); n > 0; n--)
        step();
    if (chance_permille(chance, 300)) {
        life.todo = give_up;
        loop_round();
    }
    if (chance_permille(chance, 300) || tap_muddled() > 0) {
        luck_calm();
        peers_stop_p0f();
    } else {
        heal();
    }
    visitors_submit(true);
    pass_calmly(CALM_MS);
    serve_all();
    model_check(relay_counts(subject.relay).connections == 0,
                "%u connections of the relay, long after it was shut down",
                relay_counts(subject.relay).connections);
    model_check(visitors_waiting() == 0 && lookup_pending(subject.lookup) == 0,
                "%u wait and %u are pending long after the pool was retired", visitors_waiting(),
                lookup_pending(subject.lookup));
    drain_left(true);
    model_check(life.left == 0, "%u connections are still open", life.left);
    model_check(life.drained == 1,
                "nothing is outstanding any more, and the pool waits for %u answers",
                sensors_outstanding(subject.sensors));
    model.counts.drained_lives++;
}

static void draw_settings(void)
{
    bool several = chance_permille(chance, 400);

    model.settings = (struct model_settings){
        .sensors = several ? chance_between(chance, 2, MODEL_SENSORS_MAX) : 1,
        .shared = chance_permille(chance, 300),
        .connections =
            several ? CHANCE_ONE_OF(chance, 1, 1, 2, 4) : CHANCE_ONE_OF(chance, 1, 2, 4, 8),
        .pipeline = CHANCE_ONE_OF(chance, 1, 2, 8, 16, 64),
        .faultless = chance_permille(chance, 400),
        .dialect = chance_permille(chance, 700) ? P0F_DIALECT_AUTO : luck_dialect(),
    };
}

static void give_birth(void)
{
    memset(&life, 0, sizeof life);
    draw_settings();
    luck_calm();
    calls_start();
    rounds_start();
    truth_start();
    subject_start();
    peers_start();
}

static void bury(void)
{
    relay_clients_end();
    subject_free();
    rounds_end();
    reads_end();
    tap_end();
    peers_stop_p0f();
    sim_store_stop();
    truth_end();
}

void life_run(uint64_t seed, uint64_t steps)
{
    model.life = seed;
    model.step = 0;
    model.chance = (struct chance){seed};
    model.began = model.now = (struct mono){INT64_C(1000000000000)};
    model.slept_ns = model.wall_off = 0;
    give_birth();
    luck_mood();
    while (model.step < steps)
        step();
    if (chance_permille(chance, 500))
        check_recovery();
    die();
    bury();
}
