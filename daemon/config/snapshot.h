/* SPDX-License-Identifier: MIT */
/* The settings in force, as text, for those who only show them. A list that is filled once and then
 * only read and counted, so that threads can share it while a reload puts another in its place. */
#ifndef CONFIG_SNAPSHOT_H
#define CONFIG_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>

struct config_snapshot;

struct setting {
    const char *section; /* static, as is `key` */
    const char *key;
    char *value; /* as it could stand in the file */
};

/* Empty, with one reference. NULL with errno when out of memory. */
struct config_snapshot *config_snapshot_new(void);

/* Copies `value`. `settings` is a struct config_snapshot nobody shares yet. Fits config_each(). */
void config_snapshot_add(void *settings, const char *section, const char *key, const char *value);

/* False when memory ran out while it was filled: then some are missing. */
bool config_snapshot_complete(const struct config_snapshot *settings);

size_t config_snapshot_count(const struct config_snapshot *settings);
const struct setting *config_snapshot_at(const struct config_snapshot *settings, size_t index);

/* Any thread. */
struct config_snapshot *config_snapshot_ref(struct config_snapshot *settings);

/* Any thread. NULL is no reference. */
void config_snapshot_unref(struct config_snapshot *settings);

#endif
