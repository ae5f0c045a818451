#include "config/snapshot.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct settings {
    _Atomic unsigned references;
    bool failed;
    size_t count;
    struct setting *list;
};

struct settings *settings_new(void)
{
    struct settings *settings = calloc(1, sizeof *settings);

    if (settings)
        settings->references = 1;
    return settings;
}

void settings_add(void *to, const char *section, const char *key, const char *value)
{
    struct settings *settings = to;
    struct setting *list = realloc(settings->list, (settings->count + 1) * sizeof(struct setting));
    char *copy = strdup(value);

    if (list)
        settings->list = list;
    if (!list || !copy) {
        settings->failed = true;
        free(copy);
        return;
    }
    list[settings->count++] = (struct setting){.section = section, .key = key, .value = copy};
}

bool settings_complete(const struct settings *settings)
{
    return !settings->failed;
}

size_t settings_count(const struct settings *settings)
{
    return settings->count;
}

const struct setting *settings_at(const struct settings *settings, size_t index)
{
    return &settings->list[index];
}

struct settings *settings_ref(struct settings *settings)
{
    atomic_fetch_add(&settings->references, 1);
    return settings;
}

void settings_unref(struct settings *settings)
{
    if (!settings || atomic_fetch_sub(&settings->references, 1) > 1)
        return;
    for (size_t i = 0; i < settings->count; i++)
        free(settings->list[i].value);
    free(settings->list);
    free(settings);
}
