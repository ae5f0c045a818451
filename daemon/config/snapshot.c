/* SPDX-License-Identifier: MIT */
#include "config/snapshot.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct config_snapshot {
    _Atomic unsigned references;
    bool failed;
    size_t count;
    struct setting *list;
};

struct config_snapshot *config_snapshot_new(void)
{
    struct config_snapshot *snapshot = calloc(1, sizeof *snapshot);

    if (snapshot)
        snapshot->references = 1;
    return snapshot;
}

void config_snapshot_add(void *ctx, const char *section, const char *key, const char *value)
{
    struct config_snapshot *snapshot = ctx;
    struct setting *list = realloc(snapshot->list, (snapshot->count + 1) * sizeof(struct setting));
    char *copy = strdup(value);

    if (list)
        snapshot->list = list;
    if (!list || !copy) {
        snapshot->failed = true;
        free(copy);
        return;
    }
    list[snapshot->count++] = (struct setting){.section = section, .key = key, .value = copy};
}

void config_snapshot_add_waiting(struct config_snapshot *snapshot, const char *section,
                                 const char *key, const char *waiting)
{
    for (size_t i = 0; i < snapshot->count; i++) {
        struct setting *setting = &snapshot->list[i];
        if (strcmp(setting->section, section) != 0 || strcmp(setting->key, key) != 0)
            continue;
        setting->waiting = strdup(waiting);
        snapshot->failed |= !setting->waiting;
    }
}

bool config_snapshot_complete(const struct config_snapshot *snapshot)
{
    return !snapshot->failed;
}

size_t config_snapshot_count(const struct config_snapshot *snapshot)
{
    return snapshot->count;
}

const struct setting *config_snapshot_at(const struct config_snapshot *snapshot, size_t index)
{
    return &snapshot->list[index];
}

struct config_snapshot *config_snapshot_ref(struct config_snapshot *snapshot)
{
    atomic_fetch_add(&snapshot->references, 1);
    return snapshot;
}

void config_snapshot_unref(struct config_snapshot *snapshot)
{
    if (!snapshot || atomic_fetch_sub(&snapshot->references, 1) > 1)
        return;
    for (size_t i = 0; i < snapshot->count; i++) {
        free(snapshot->list[i].value);
        free(snapshot->list[i].waiting);
    }
    free(snapshot->list);
    free(snapshot);
}
