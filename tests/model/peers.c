/* SPDX-License-Identifier: MIT */
#include "peers.h"

#include "luck.h"
#include "model.h"
#include "sim_p0f.h"
#include "sim_store.h"
#include "told.h"
#include "truth.h"

static struct chance *const chance = &model.chance;

static void begin_p0f(unsigned sensor)
{
    enum p0f_dialect dialect = luck_dialect();

    /* Mostly what the daemon expects. */
    if (model.settings.dialect != P0F_DIALECT_AUTO && chance_permille(chance, 800))
        dialect = model.settings.dialect;
    model.counts.swaps += dialect != sim_p0f_dialect(sensor);
    truth_forget(sensor);
    sim_p0f_start(sensor, dialect);
}

static void change_p0f(unsigned sensor)
{
    const struct p0f_mood *mood = &model.mood.p0f[sensor];

    if (!sim_p0f_runs(sensor)) {
        if (chance_permille(chance, 50))
            begin_p0f(sensor);
    } else if (chance_permille(chance, mood->restarts)) {
        model.counts.restarts++;
        sim_p0f_stop(sensor);
        if (chance_permille(chance, 500))
            begin_p0f(sensor);
    } else if (chance_permille(chance, mood->hang_ups)) {
        sim_p0f_hang_up(sensor);
    }
}

static void some_p0f_rounds(unsigned sensor)
{
    for (uint32_t n = chance_below(chance, model.mood.p0f[sensor].rounds + 1); n > 0; n--)
        sim_p0f_round(sensor);
}

static void all_p0f_rounds(void)
{
    for (unsigned i = 0; i < model.settings.sensors; i++)
        while (sim_p0f_round(i))
            ;
}

static void some_store_rounds(void)
{
    for (uint32_t n = chance_below(chance, model.mood.store.rounds + 1); n > 0; n--)
        if (!sim_store_round())
            break;
}

static void change_store(void)
{
    if (!sim_store_runs()) {
        if (chance_permille(chance, 100))
            sim_store_start();
    } else if (chance_permille(chance, model.mood.store.restarts)) {
        model.counts.tier_restarts++;
        sim_store_stop();
        if (chance_permille(chance, 500))
            sim_store_start();
    } else if (chance_permille(chance, model.mood.store.hang_ups / 10)) {
        sim_store_hang_up();
    }
    if (!sim_store_runs() || model.mood.store.rounds == 0)
        told_trouble(false); /* it goes on */
    some_store_rounds();
}

void peers_start(void)
{
    for (unsigned i = 0; i < model.settings.sensors; i++)
        if (chance_permille(chance, 900))
            begin_p0f(i);
    if (model.settings.shared && chance_permille(chance, 800))
        sim_store_start();
}

void peers_change(void)
{
    change_p0f(chance_below(chance, model.settings.sensors));
    if (model.settings.shared)
        change_store();
}

void peers_act(void)
{
    some_p0f_rounds(chance_below(chance, model.settings.sensors));
}

bool peers_are_prompt(void)
{
    if (!model.settings.shared || !chance_permille(chance, model.mood.store.prompt))
        return false;
    some_store_rounds();
    return true;
}

void peers_finish(void)
{
    all_p0f_rounds();
    while (sim_store_round())
        ;
}

static void heal_p0f(unsigned sensor)
{
    enum p0f_dialect wanted = model.settings.dialect;

    if (wanted != P0F_DIALECT_AUTO && wanted != sim_p0f_dialect(sensor))
        sim_p0f_stop(sensor);
    if (!sim_p0f_runs(sensor))
        sim_p0f_start(sensor, wanted != P0F_DIALECT_AUTO ? wanted : luck_dialect());
}

void peers_heal(void)
{
    luck_calm();
    for (unsigned i = 0; i < model.settings.sensors; i++)
        heal_p0f(i);
    if (model.settings.shared && !sim_store_runs())
        sim_store_start();
}

void peers_stop_p0f(void)
{
    for (unsigned i = 0; i < model.settings.sensors; i++)
        sim_p0f_stop(i);
}
