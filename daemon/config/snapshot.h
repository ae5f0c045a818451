/* SPDX-License-Identifier: MIT */
/* The settings in force, and those that wait for a restart, as text for display in /status. Filled once
 * and read-only from then on, with a reference count, so that threads can go on using one while a reload
 * replaces it. */
#ifndef CONFIG_SNAPSHOT_H
#define CONFIG_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>

struct config_snapshot;

struct setting {
    const char *section; /* static, as is `key` */
    const char *key;
    char *value;   /* as it would be written in the file */
    char *waiting; /* what a restart would put in force; NULL: the same */
};

/* An empty snapshot with one reference. NULL when out of memory. */
struct config_snapshot *config_snapshot_new(void);

/* Adds a setting; copies `value`. `snapshot` is a struct config_snapshot that is not shared yet. To be
 * passed to config_each(). */
void config_snapshot_add(void *snapshot, const char *section, const char *key, const char *value);

/* Adds to a setting, which must be there, the value that waits for a restart; copies it. */
void config_snapshot_add_waiting(struct config_snapshot *snapshot, const char *section,
                                 const char *key, const char *waiting);

/* False when adding ran out of memory: then something is missing. */
bool config_snapshot_complete(const struct config_snapshot *snapshot);

size_t config_snapshot_count(const struct config_snapshot *snapshot);
const struct setting *config_snapshot_at(const struct config_snapshot *snapshot, size_t index);

/* Adds a reference, and returns `snapshot`. Any thread. */
struct config_snapshot *config_snapshot_ref(struct config_snapshot *snapshot);

/* Frees the snapshot with its last reference. No-op on NULL. Any thread. */
void config_snapshot_unref(struct config_snapshot *snapshot);

#endif
