/* SPDX-License-Identifier: MIT */
#include "subject.h"

#include "judge.h"
#include "luck.h"
#include "model.h"
#include "reads.h"
#include "relay_clients.h"
#include "shelf.h"
#include "sim_p0f.h"
#include "sim_store.h"
#include "tap.h"
#include "truth.h"
#include "visitors.h"

struct subject subject;

static struct chance *const chance = &model.chance;

/* ---- Settings */

/* Of all lookups, as modules.c has it. */
static uint32_t relay_share(void)
{
    return subject.limits.max_pending > 1 ? subject.limits.max_pending / 2 : 1;
}

void subject_set_limits(void)
{
    lookup_set_limits(subject.lookup, &subject.limits);
    relay_set_max_lookups(subject.relay, relay_share());
    visitors_new_limits(&subject.limits);
    relay_clients_new_limits(&subject.limits);
}

void subject_change_settings(void)
{
    switch (chance_below(chance, subject.share ? 4 : 3)) {
    case 0:
        subject.limits = luck_limits();
        subject_set_limits();
        break;
    case 1:
        subject.cache_options.times = luck_times();
        recall_set_times(subject.recall, &subject.cache_options.times);
        judge_new_times(&subject.cache_options.times);
        relay_clients_new_times(&subject.cache_options.times);
        break;
    case 3:
        subject.share_times = luck_share_times();
        share_set_times(subject.share, &subject.share_times);
        reads_new_times(&subject.share_times);
        shelf_new_times(&subject.share_times);
        break;
    default:
        if (subject.max_rate == 0)
            break;
        subject.max_rate = luck_rate();
        sensors_set_max_rate(subject.sensors, subject.max_rate);
        tap_set_max_rate(subject.max_rate);
        break;
    }
}

/* ---- Start and end */

static void start_sensors(void)
{
    struct sensors_options options = {
        .count = model.settings.sensors,
        .dialect = model.settings.dialect,
        .connections = model.settings.connections,
        .pipeline = model.settings.pipeline,
        .max_rate = subject.max_rate,
        .seed = chance_next(chance),
    };

    for (unsigned i = 0; i < options.count; i++) {
        options.sensors[i].name = truth_sensor(i);
        options.sensors[i].socket = sim_p0f_path(i);
    }
    subject.sensors = sensors_new(subject.loop, &options);
}

static void start_share(void)
{
    bool evicts = chance_permille(chance, 200);
    char error[SHARE_ERROR_SIZE];

    subject.share_times = luck_share_times();
    shelf_start(&subject.share_times, evicts);
    reads_start(&subject.share_times);
    subject.share =
        share_new(&(struct share_options){.loop = subject.loop,
                                          .wall = model_wall,
                                          .server = sim_store_server(),
                                          .prefix = SHELF_PREFIX,
                                          .times = subject.share_times,
                                          .max_hosts = evicts ? 1 : 20000,
                                          .key = {chance_next(chance), chance_next(chance)},
                                          .seed = chance_next(chance)},
                  error);
    model_check(subject.share, "no tier: %s", error);
}

void subject_start(void)
{
    /* What could not be sent at its time would come in a rush. */
    subject = (struct subject){
        .max_rate = model.settings.faultless && chance_permille(chance, 700) ? luck_rate() : 0,
        .limits = luck_limits(),
        .cache_options = {.max_hosts = CHANCE_ONE_OF(chance, 0, 1, 5, 40, 1000),
                          .max_misses = CHANCE_ONE_OF(chance, 0, 1, 5, 40, 1000),
                          .times = luck_times(),
                          .key = {chance_next(chance), chance_next(chance)}},
        .loop = loop_new(model_clock),
    };
    tap_start(subject.max_rate);
    start_sensors();
    if (model.settings.shared)
        start_share();
    subject.recall = recall_new(&subject.cache_options);
    subject.lookup = lookup_new(
        subject.loop, subject.recall,
        &(struct gather_parts){.sensors = subject.sensors, .share = subject.share}, model_boottime,
        (struct hash_key){chance_next(chance), chance_next(chance)}, &subject.limits);
    subject.relay = relay_new(&(struct relay_options){.loop = subject.loop,
                                                      .lookup = subject.lookup,
                                                      .max_connections = 5,
                                                      .max_lookups = relay_share()});
    model_check(subject.loop && subject.sensors && subject.recall && subject.lookup &&
                    subject.relay,
                "no memory for the model itself");
    visitors_start(subject.lookup, &subject.limits, &subject.cache_options.times);
    relay_clients_start(subject.relay, subject.lookup, &subject.limits,
                        &subject.cache_options.times);
}

void subject_free(void)
{
    model.counts.evictions += recall_counts(subject.recall).evicted_hosts;
    model.counts.evictions += recall_counts(subject.recall).evicted_misses;
    relay_free(subject.relay);
    lookup_free(subject.lookup);
    share_free(subject.share);
    sensors_free(subject.sensors);
    recall_free(subject.recall);
    loop_free(subject.loop);
}
