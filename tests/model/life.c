/* SPDX-License-Identifier: MIT */
#include "life.h"

#include "core/loop.h"
#include "lookup/lookup.h"
#include "lookup/recall.h"
#include "luck.h"
#include "model.h"
#include "p0f/pool.h"
#include "relay/relay.h"
#include "relay_clients.h"
#include "sim_p0f.h"
#include "tap.h"
#include "trouble.h"
#include "truth.h"
#include "visitors.h"

#define SETTLE_ROUNDS 64
#define CALM_MS 16000 /* the longest wait, time-out, pause of a link and aftermath together */
#define CALM_STEP_MS 40
#define NS_PER_MS INT64_C(1000000)

static struct {
    struct loop *loop;
    struct recall *recall;
    struct sensors *sensors;
    struct lookup *lookup;
    struct relay *relay;
    struct recall_options cache_options;
    struct lookup_limits limits;
    uint32_t max_rate;  /* 0: none, in all of this life */
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

static void begin_p0f(void)
{
    enum p0f_dialect dialect = luck_dialect();

    /* Mostly what the daemon expects. */
    if (model.settings.dialect != P0F_DIALECT_AUTO && chance_permille(chance, 800))
        dialect = model.settings.dialect;
    model.counts.swaps += dialect != sim_p0f_dialect();
    truth_forget();
    sim_p0f_start(dialect);
}

/* What is to be done in the loop's thread is done in the next round, by its last timer. */
static void end_round(void *ctx)
{
    void (*todo)(void) = life.todo;

    life.todo = NULL;
    if (todo)
        todo();
    loop_stop(ctx);
}

static void check_bounds(void)
{
    struct recall_counts counts = recall_counts(life.recall);

    model_check(counts.hosts <= life.cache_options.max_hosts, "%u hosts in a cache for %u",
                counts.hosts, life.cache_options.max_hosts);
    model_check(counts.misses <= life.cache_options.max_misses, "%u misses in a cache for %u",
                counts.misses, life.cache_options.max_misses);
    model_check((counts.hosts == 0) == (counts.hosts_bytes == 0), "%u hosts take %llu bytes",
                counts.hosts, (unsigned long long)counts.hosts_bytes);
    model_check((counts.misses == 0) == (counts.misses_bytes == 0), "%u misses take %llu bytes",
                counts.misses, (unsigned long long)counts.misses_bytes);
    model_check(sensors_outstanding(life.sensors) <=
                    model.settings.connections * (model.settings.pipeline + TAP_PROBES),
                "%u answers are outstanding in the pool", sensors_outstanding(life.sensors));
}

static void loop_round(void)
{
    struct loop_timer stop = {.fire = end_round, .ctx = life.loop};

    model.counts.rounds++;
    loop_arm(life.loop, &stop, model.now);
    visitors_before_round();
    relay_clients_before_round();
    tap_disturb(true);
    unsigned relay_queries = relay_clients_waiting();
    int result = loop_run(life.loop);
    tap_disturb(false);
    model_check(result == 0, "the loop has failed");
    visitors_after_round(relay_counts(life.relay).lookups, relay_queries);
    relay_clients_after_round();
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
        calls = tap_calls();
        loop_round();
        model_check(++rounds < SETTLE_ROUNDS, "the loop spins");
    } while (tap_calls() != calls);
    model.mood.faults = faults;
    model.mood.memory_faults = memory_faults;
}

/* ---- Steps */

/* Of all lookups, as modules.c has it. */
static uint32_t relay_share(void)
{
    return life.limits.max_pending > 1 ? life.limits.max_pending / 2 : 1;
}

static void set_limits(void)
{
    lookup_set_limits(life.lookup, &life.limits);
    relay_set_max_lookups(life.relay, relay_share());
    visitors_new_limits(&life.limits);
    relay_clients_new_limits(&life.limits);
}

static void change_settings(void)
{
    switch (chance_below(chance, 3)) {
    case 0:
        life.limits = luck_limits();
        set_limits();
        break;
    case 1:
        life.cache_options.times = luck_times();
        recall_set_times(life.recall, &life.cache_options.times);
        visitors_new_times(&life.cache_options.times);
        relay_clients_new_times(&life.cache_options.times);
        break;
    default:
        if (life.max_rate == 0)
            break;
        life.max_rate = luck_rate();
        sensors_set_max_rate(life.sensors, life.max_rate);
        tap_set_max_rate(life.max_rate);
        break;
    }
}

static void change_p0f(void)
{
    if (!sim_p0f_runs()) {
        if (chance_permille(chance, 50))
            begin_p0f();
    } else if (chance_permille(chance, model.mood.restarts)) {
        model.counts.restarts++;
        sim_p0f_stop();
        if (chance_permille(chance, 500))
            begin_p0f();
    } else if (chance_permille(chance, model.mood.hang_ups)) {
        sim_p0f_hang_up();
    }
}

static void pass(int64_t ns)
{
    model.now = mono_add_ns(model.now, ns);
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
        life.todo = change_settings;
    else if (chance_permille(chance, model.mood.leaves))
        life.todo = visitors_leave;
    if (chance_permille(chance, model.mood.suspends))
        suspend();
    change_p0f();
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
        for (uint32_t n = chance_below(chance, model.mood.p0f_rounds + 1); n > 0; n--)
            sim_p0f_round();
    else if (what < 96)
        loop_round();
    else
        check_rest();
}

/* ---- What must be so once all is well */

/* Time passes, p0f answers all that it is asked, nothing fails. */
static void pass_calmly(int64_t ms)
{
    for (int64_t passed = 0; passed < ms; passed += CALM_STEP_MS) {
        pass(CALM_STEP_MS * NS_PER_MS);
        loop_round();
        while (sim_p0f_round())
            ;
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
    bool foreign =
        model.settings.dialect != P0F_DIALECT_AUTO && model.settings.dialect != sim_p0f_dialect();

    luck_calm();
    if (foreign)
        sim_p0f_stop();
    if (!sim_p0f_runs())
        sim_p0f_start(model.settings.dialect != P0F_DIALECT_AUTO ? model.settings.dialect
                                                                 : luck_dialect());
    visitors_submit(true);
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
    model_check(lookup_pending(life.lookup) == 0, "%u are pending, and nobody waits",
                lookup_pending(life.lookup));
    model_check(tap_healthy() + tap_muddled() == model.settings.connections,
                "of %u connections %u serve, long after all was well again",
                model.settings.connections, tap_healthy());
    model_check(tap_muddled() > 0 || sensors_outstanding(life.sensors) == 0,
                "the pool thinks that %u answers are outstanding",
                sensors_outstanding(life.sensors));
    life.limits = (struct lookup_limits){.timeout = 2000, .max_pending = 64};
    set_limits();
    visitors_come_surely();
    pass_calmly(2 * life.limits.timeout);
    model_check(visitors_sure_outcome() == LOOKUP_FOUND || tap_healthy() == 0,
                "all is well, but for an outcome of %d", (int)visitors_sure_outcome());
}

/* ---- Birth and death */

static void give_birth(void)
{
    /* What could not be sent at its time would come in a rush. */
    life.max_rate = model.settings.faultless && chance_permille(chance, 700) ? luck_rate() : 0;
    life.limits = luck_limits();
    life.cache_options = (struct recall_options){
        .max_hosts = CHANCE_ONE_OF(chance, 0, 1, 5, 40, 1000),
        .max_misses = CHANCE_ONE_OF(chance, 0, 1, 5, 40, 1000),
        .times = luck_times(),
        .key = {chance_next(chance), chance_next(chance)},
    };
    life.drained = life.left = 0;
    life.gave_up = false;
    life.todo = NULL;
    luck_calm();
    tap_start(life.max_rate);
    truth_start();
    if (chance_permille(chance, 900))
        begin_p0f();
    life.loop = loop_new(model_clock);
    life.sensors = sensors_new(life.loop, &(struct sensors_options){
                                              .sensors = {{.name = "", .socket = sim_p0f_path()}},
                                              .count = 1,
                                              .dialect = model.settings.dialect,
                                              .connections = model.settings.connections,
                                              .pipeline = model.settings.pipeline,
                                              .max_rate = life.max_rate,
                                              .seed = chance_next(chance),
                                          });
    life.recall = recall_new(&life.cache_options);
    life.lookup = lookup_new(
        life.loop, life.recall, &(struct gather_parts){.sensors = life.sensors}, model_boottime,
        (struct hash_key){chance_next(chance), chance_next(chance)}, &life.limits);
    life.relay = relay_new(&(struct relay_options){.loop = life.loop,
                                                   .lookup = life.lookup,
                                                   .max_connections = 5,
                                                   .max_lookups = relay_share()});
    model_check(life.loop && life.sensors && life.recall && life.lookup && life.relay,
                "no memory for the model itself");
    visitors_start(life.lookup, &life.limits, &life.cache_options.times);
    relay_clients_start(life.relay, life.lookup, &life.limits, &life.cache_options.times);
}

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
    life.limits.max_pending = life.limits.reserve = 0;
    relay_clients_shut_down();
    relay_shut_down(life.relay);
    lookup_close(life.lookup);
    visitors_new_limits(&life.limits);
    relay_clients_new_limits(&life.limits);
    trouble_retired();
    sensors_retire(life.sensors, on_drained, NULL);
}

/* Nobody waits for p0f any more, but for the child that has its connections. */
static void give_up(void)
{
    life.gave_up = true;
    life.left = sensors_give_up(life.sensors, life.conns);
    model.counts.given_up += life.left;
    model_check(sensors_outstanding(life.sensors) == 0,
                "given up, and the pool waits for %u answers", sensors_outstanding(life.sensors));
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
        sim_p0f_stop();
    } else {
        heal();
    }
    visitors_submit(true);
    pass_calmly(CALM_MS);
    serve_all();
    model_check(relay_counts(life.relay).connections == 0,
                "%u connections of the relay, long after it was shut down",
                relay_counts(life.relay).connections);
    model_check(visitors_waiting() == 0 && lookup_pending(life.lookup) == 0,
                "%u wait and %u are pending long after the pool was retired", visitors_waiting(),
                lookup_pending(life.lookup));
    drain_left(true);
    model_check(life.left == 0, "%u connections are still open", life.left);
    model_check(life.drained == 1,
                "nothing is outstanding any more, and the pool waits for %u answers",
                sensors_outstanding(life.sensors));
    model.counts.drained_lives++;
}

static void bury(void)
{
    model.counts.evictions += recall_counts(life.recall).evicted_hosts;
    model.counts.evictions += recall_counts(life.recall).evicted_misses;
    relay_clients_end();
    relay_free(life.relay);
    lookup_free(life.lookup);
    sensors_free(life.sensors);
    recall_free(life.recall);
    loop_free(life.loop);
    tap_end();
    sim_p0f_stop();
    truth_end();
}

void life_run(uint64_t seed, uint64_t steps)
{
    model.life = seed;
    model.step = 0;
    model.chance = (struct chance){seed};
    model.began = model.now = (struct mono){INT64_C(1000000000000)};
    model.slept_ns = 0;
    model.settings.connections = CHANCE_ONE_OF(chance, 1, 2, 4, 8);
    model.settings.pipeline = CHANCE_ONE_OF(chance, 1, 2, 8, 16, 64);
    model.settings.faultless = chance_permille(chance, 400);
    model.settings.dialect = chance_permille(chance, 700) ? P0F_DIALECT_AUTO : luck_dialect();
    give_birth();
    luck_mood();
    while (model.step < steps)
        step();
    if (chance_permille(chance, 500))
        check_recovery();
    die();
    bury();
}
