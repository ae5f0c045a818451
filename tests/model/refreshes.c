/* SPDX-License-Identifier: MIT */
#include "refreshes.h"

#include "model.h"

#define MOST 512

static struct {
    uint32_t count; /* at most so many are under way */
    struct mono due[MOST];
    uint32_t begun;
    uint32_t taken; /* the first so many have a time when they are due */
} refreshes;

void refreshes_start(void)
{
    refreshes.count = refreshes.begun = refreshes.taken = 0;
}

void refreshes_begin(void)
{
    model_check(refreshes.begun < MOST, "more refreshes than the model can hold");
    refreshes.begun++;
    refreshes.count++;
    model.counts.refreshes++;
}

void refreshes_take(int64_t timeout_ms)
{
    for (; refreshes.taken < refreshes.begun; refreshes.taken++)
        refreshes.due[refreshes.taken] = mono_add_ms(model.now, timeout_ms);
}

void refreshes_check(uint32_t pending, uint32_t waiting)
{
    uint32_t kept = 0;

    model_check(pending >= waiting, "%u are pending, and %u wait", pending, waiting);
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
