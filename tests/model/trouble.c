/* SPDX-License-Identifier: MIT */
#include "trouble.h"

#include "model.h"
#include "sim_p0f.h"
#include "tap.h"

/* Trouble is seen in a round, a connection is given up a second later, another one is made within a
 * second, and serves in the round after that. */
#define TROUBLE_MS 3000
#define TROUBLE_ROUNDS 5

static struct {
    struct mono at;  /* the last, or the last round that was counted */
    unsigned rounds; /* since it was over, each so much after the other */
    bool retired;
    uint64_t any, lies, broken, others;
    uint64_t counted_lies, counted_broken, counted_others;
} trouble;

void trouble_start(void)
{
    trouble.at = model.now;
    trouble.rounds = 0;
    trouble.retired = false;
}

void trouble_retired(void)
{
    trouble.retired = true;
}

/* How many have come, of which so many were seen before. */
static uint64_t fresh(uint64_t count, uint64_t *counted)
{
    uint64_t more = count - *counted;

    *counted = count;
    return more;
}

void trouble_look(void)
{
    const struct model_counts *counts = &model.counts;
    bool foreign = sim_p0f_any_foreign(), down = !sim_p0f_all_run();
    /* Where there are others to ask, one that is late is as one that is down. */
    bool late = (model.settings.sensors > 1 || model.settings.shared) && tap_any_late();
    uint64_t lies = fresh(counts->spoiled + counts->bad_queries, &trouble.counted_lies);
    uint64_t broken = fresh(counts->spoiled + counts->hang_ups, &trouble.counted_broken);
    uint64_t others = fresh(counts->bad_queries + counts->restarts + counts->faults +
                                counts->memory_faults + counts->refused_connects,
                            &trouble.counted_others);

    trouble.lies += lies + foreign;
    trouble.broken += broken;
    trouble.others += others + foreign + trouble.retired + down + late;
    if (lies + broken + others > 0 || foreign || trouble.retired || down || late ||
        tap_in_trouble()) {
        trouble.any++;
        trouble.at = model.now;
        trouble.rounds = 0;
    }
}

void trouble_round(void)
{
    if (mono_before(model.now, mono_add_ms(trouble.at, TROUBLE_MS)))
        return;
    trouble.at = model.now;
    trouble.rounds++;
}

struct trouble_mark trouble_mark(void)
{
    trouble_look();
    return (struct trouble_mark){
        .calm = trouble.rounds >= TROUBLE_ROUNDS,
        .any = trouble.any,
        .lies = trouble.lies,
        .broken = trouble.broken,
        .others = trouble.others,
    };
}

bool trouble_since(const struct trouble_mark *mark)
{
    return !mark->calm || trouble.any > mark->any;
}

bool trouble_lies_since(const struct trouble_mark *mark)
{
    return !mark->calm || trouble.lies > mark->lies;
}

bool trouble_one_broken_since(const struct trouble_mark *mark)
{
    return mark->calm && trouble.others == mark->others && trouble.broken <= mark->broken + 1;
}
