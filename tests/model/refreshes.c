/* SPDX-License-Identifier: MIT */
#include "refreshes.h"

#include "core/metrics.h"
#include "model.h"

#include <sys/param.h>

#define MOST 512

static struct {
    uint32_t count;        /* at most this many are under way */
    struct mono due[MOST]; /* of the first `taken`; of the others: when they began */
    uint32_t begun, taken;
    int64_t timeout_ms; /* in force when the last round began */
    uint32_t told;      /* that have begun since the last check */
    uint32_t seen;      /* under way at the last check */
    uint64_t finished;
} refreshes;

static uint64_t finished_ever(void)
{
    struct metrics_snapshot snapshot;

    metrics_read(&snapshot);
    return snapshot.counters[METRIC_REFRESHES];
}

void refreshes_start(void)
{
    refreshes.count = refreshes.begun = refreshes.taken = 0;
    refreshes.told = refreshes.seen = 0;
    refreshes.timeout_ms = 0;
    refreshes.finished = finished_ever();
}

void refreshes_begin(void)
{
    model_check(refreshes.begun < MOST, "more refreshes than the model can hold");
    refreshes.due[refreshes.begun++] = model.now;
    refreshes.count++;
    refreshes.told++;
    model.counts.refreshes++;
}

void refreshes_take(int64_t timeout_ms)
{
    /* One that began in the last round may have been taken in it, before the settings changed. */
    int64_t longest_ms = MAX(timeout_ms, refreshes.timeout_ms);

    model.counts.timeouts_shortened += longest_ms > timeout_ms && refreshes.taken < refreshes.begun;
    for (; refreshes.taken < refreshes.begun; refreshes.taken++) {
        struct mono *due = &refreshes.due[refreshes.taken];
        *due = mono_add_ms(*due, longest_ms);
    }
    refreshes.timeout_ms = timeout_ms;
}

/* As many have begun as have finished since the last check, and as there are more now. */
static void add_untold(uint32_t seen, uint32_t allowed)
{
    uint64_t finished = finished_ever();
    uint64_t begun = seen + (finished - refreshes.finished) - refreshes.seen;

    model_check(begun >= refreshes.told && begun - refreshes.told <= allowed,
                "%llu refreshes have begun, where the model knows of %u, and %u may be",
                (unsigned long long)begun, refreshes.told, allowed);
    while (refreshes.told < begun) {
        refreshes_begin();
        model.counts.relay_refreshes++;
    }
    refreshes.told = 0;
    refreshes.seen = seen;
    refreshes.finished = finished;
}

void refreshes_check(uint32_t pending, uint32_t waiting, uint32_t allowed)
{
    uint32_t kept = 0;

    model_check(pending >= waiting, "%u are pending, and %u wait", pending, waiting);
    add_untold(pending - waiting, allowed);
    model_check(pending <= waiting + refreshes.count,
                "%u are pending, with %u who wait and %u refreshes", pending, waiting,
                refreshes.count);
    refreshes.count = pending - waiting;
    for (uint32_t i = 0; i < refreshes.begun; i++)
        if (i >= refreshes.taken || mono_before(model.now, refreshes.due[i]))
            refreshes.due[kept++] = refreshes.due[i];
    refreshes.taken -= refreshes.begun - kept;
    refreshes.begun = kept;
    model_check(refreshes.count <= kept, "%u refreshes take longer than their time-out",
                refreshes.count - kept);
}
