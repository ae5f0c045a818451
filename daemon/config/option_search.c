/* SPDX-License-Identifier: MIT */
#include "config/option_search.h"

#include "config/config_private.h"
#include "config/edit_distance.h"

#include <limits.h>

#define WEIGHT_OF_KEY                                                                              \
    (EDIT_DISTANCE_FAR + 1) /* the section only decides between equally near keys */

const struct option *option_find(struct span section, struct span key)
{
    for (size_t i = 0; i < config_option_count(); i++)
        if (span_equals(section, config_option_at(i)->section) &&
            span_equals(key, config_option_at(i)->key))
            return config_option_at(i);
    return NULL;
}

bool option_section_exists(struct span name)
{
    for (size_t i = 0; i < config_option_count(); i++)
        if (span_equals(name, config_option_at(i)->section))
            return true;
    return false;
}

/* Other programs' names for some of ours. */
static struct span our_word_for(struct span key)
{
    static const char *const words[][2] = {
        {"port", "listen"}, {"address", "listen"}, {"bind", "listen"}, {"workers", "threads"}};

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (span_equals_nocase(key, words[i][0]))
            return span_of(words[i][1]);
    return key;
}

const struct option *option_nearest(struct span section, struct span key)
{
    const struct option *nearest = NULL;
    unsigned least = UINT_MAX;
    struct span word = our_word_for(key);

    for (size_t i = 0; i < config_option_count(); i++) {
        const struct option *option = config_option_at(i);
        unsigned of_key = edit_distance(word, span_of(option->key));
        unsigned of_section = edit_distance(section, span_of(option->section));
        if (of_key == EDIT_DISTANCE_FAR || WEIGHT_OF_KEY * of_key + of_section >= least)
            continue;
        nearest = option;
        least = WEIGHT_OF_KEY * of_key + of_section;
    }
    return nearest;
}

const char *option_nearest_section(struct span name)
{
    for (size_t i = 0; i < config_option_count(); i++)
        if (edit_distance(span_trim(name), span_of(config_option_at(i)->section)) <
            EDIT_DISTANCE_FAR)
            return config_option_at(i)->section;
    return NULL;
}
