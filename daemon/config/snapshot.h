/* The settings in force, as text, for those who only show them. A list that is filled once and then
 * only read and counted, so that threads can share it while a reload puts another in its place. */
#ifndef CONFIG_SNAPSHOT_H
#define CONFIG_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>

struct settings;

struct setting {
    const char *section; /* static, as is `key` */
    const char *key;
    char *value; /* as it could stand in the file */
};

/* Empty, with one reference. NULL with errno when out of memory. */
struct settings *settings_new(void);

/* Copies `value`. `settings` is a struct settings nobody shares yet. Fits config_each(). */
void settings_add(void *settings, const char *section, const char *key, const char *value);

/* False when memory ran out while it was filled: then some are missing. */
bool settings_complete(const struct settings *settings);

size_t settings_count(const struct settings *settings);
const struct setting *settings_at(const struct settings *settings, size_t index);

/* Any thread. */
struct settings *settings_ref(struct settings *settings);

/* Any thread. NULL is no reference. */
void settings_unref(struct settings *settings);

#endif
