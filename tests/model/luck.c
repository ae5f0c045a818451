/* SPDX-License-Identifier: MIT */
#include "luck.h"

#include "model.h"
#include "truth.h"

#define NS_PER_MS INT64_C(1000000)

static struct chance *const chance = &model.chance;

struct recall_times luck_times(void)
{
    return (struct recall_times){
        .ttl = CHANCE_ONE_OF(chance, 0, 50, 1000, 30000),
        .incomplete_ttl = CHANCE_ONE_OF(chance, 0, 20, 2000),
        .negative_ttl = CHANCE_ONE_OF(chance, 0, 10, 1000),
        .stale_while_revalidate = CHANCE_ONE_OF(chance, 0, 500, 30000),
        .stale_if_error = CHANCE_ONE_OF(chance, 0, 1000, 3600000),
    };
}

struct lookup_limits luck_limits(void)
{
    struct lookup_limits limits = {
        .timeout = CHANCE_ONE_OF(chance, 1, 20, 300, 1000, 5000),
        .first_contact_wait = CHANCE_ONE_OF(chance, 0, 25, 200),
        .max_pending = CHANCE_ONE_OF(chance, 1, 8, 64, 256),
    };

    limits.reserve = CHANCE_ONE_OF(chance, 0, 1, limits.max_pending / 8);
    limits.max_repeat_rate = CHANCE_ONE_OF(chance, 0, 0, 100, 20000);
    limits.max_repeat_rate_per_client = CHANCE_ONE_OF(chance, 0, 0, 1, 20, 2000);
    return limits;
}

uint32_t luck_rate(void)
{
    return CHANCE_ONE_OF(chance, 7, 50, 1000, 20000);
}

enum p0f_dialect luck_dialect(void)
{
    return (enum p0f_dialect)chance_between(chance, P0F_DIALECT_P0F3, P0F_DIALECT_SIG);
}

static struct p0f_mood luck_p0f_mood(void)
{
    return (struct p0f_mood){
        .rounds = CHANCE_ONE_OF(chance, 0, 1, 8, 8, 40, 150),
        .lies = CHANCE_ONE_OF(chance, 0, 0, 0, 5, 100),
        .splits = CHANCE_ONE_OF(chance, 0, 0, 100),
        .hang_ups = CHANCE_ONE_OF(chance, 0, 0, 0, 2, 20),
        .restarts = CHANCE_ONE_OF(chance, 0, 0, 0, 1, 10),
        .slots = CHANCE_ONE_OF(chance, 100, 100, 100, 1, 0),
    };
}

static struct store_mood luck_store_mood(void)
{
    return (struct store_mood){
        .rounds = CHANCE_ONE_OF(chance, 0, 4, 20, 20, 20),
        .prompt = CHANCE_ONE_OF(chance, 0, 700, 1000),
        .late = CHANCE_ONE_OF(chance, 0, 0, 0, 20, 200),
        .errors = CHANCE_ONE_OF(chance, 0, 0, 0, 20, 300),
        .wrong_types = CHANCE_ONE_OF(chance, 0, 0, 20, 600),
        .nonsense = CHANCE_ONE_OF(chance, 0, 0, 0, 0, 20),
        .others = CHANCE_ONE_OF(chance, 0, 300, 800),
        .splits = CHANCE_ONE_OF(chance, 0, 0, 100),
        .hang_ups = CHANCE_ONE_OF(chance, 0, 0, 0, 20),
        .restarts = CHANCE_ONE_OF(chance, 0, 0, 0, 2),
    };
}

struct share_times luck_share_times(void)
{
    struct share_times times = {
        .ttl = CHANCE_ONE_OF(chance, 1000, 60000, 7200000, 7200000),
        .timeout = CHANCE_ONE_OF(chance, 1, 20, 50, 50, 500),
        .write_interval = CHANCE_ONE_OF(chance, 0, 999, 30000, 30000),
    };

    if (times.write_interval >= times.ttl) /* as config_share.c has it */
        times.write_interval = times.ttl - 1;
    return times;
}

void luck_mood(void)
{
    model.mood = (struct model_mood){
        .visits = CHANCE_ONE_OF(chance, 20, 100, 300, 700),
        .relay = CHANCE_ONE_OF(chance, 0, 20, 100, 300),
        .hot = CHANCE_ONE_OF(chance, 3, 30, TRUTH_HOSTS),
        .pass_most_ns =
            NS_PER_MS / 10 * CHANCE_ONE_OF(chance, 1, 1, 20, 20, 200, 200, 3000, 40000, 36000000),
        .faults = CHANCE_ONE_OF(chance, 0, 0, 10, 100, 400),
        .memory_faults = CHANCE_ONE_OF(chance, 0, 0, 0, 5),
        .leaves = CHANCE_ONE_OF(chance, 0, 5, 50),
        .changes = CHANCE_ONE_OF(chance, 0, 0, 5, 200),
        .suspends = CHANCE_ONE_OF(chance, 0, 0, 5),
        .clock_sets = CHANCE_ONE_OF(chance, 0, 0, 2),
    };
    if (model.settings.shared)
        model.mood.store = luck_store_mood();
    if (model.settings.faultless)
        model.mood.faults = model.mood.memory_faults = 0;
    for (unsigned i = 0; i < model.settings.sensors; i++) {
        model.mood.p0f[i] = luck_p0f_mood();
        model.counts.stalls += model.mood.p0f[i].rounds == 0;
    }
}

void luck_calm(void)
{
    model.mood =
        (struct model_mood){.hot = TRUTH_HOSTS, .pass_most_ns = NS_PER_MS, .store.rounds = 1};
    for (unsigned i = 0; i < MODEL_SENSORS_MAX; i++)
        model.mood.p0f[i] = (struct p0f_mood){.rounds = 1, .slots = 100};
}
