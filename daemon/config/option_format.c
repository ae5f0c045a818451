/* SPDX-License-Identifier: MIT */
/* The values of options as text. */
#include "config/option.h"

const char *option_format_duration(int64_t ms, char space[OPTION_TEXT_SIZE])
{
    static const struct {
        const char *name;
        int64_t ms;
    } units[] = {{"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};
    size_t i = 0;

    if (ms == 0)
        return "0";
    while (ms % units[i].ms != 0)
        i++;
    snprintf(space, OPTION_TEXT_SIZE, "%lld%s", (long long)(ms / units[i].ms), units[i].name);
    return space;
}

const char *option_format(const struct option *option, const struct config *config,
                          char space[OPTION_TEXT_SIZE])
{
    const void *place = (const char *)config + option->offset;
    uint32_t count;

    switch (option->type) {
    case OPTION_DURATION:
        return option_format_duration(*(const int64_t *)place, space);
    case OPTION_BOOLEAN:
        return *(const bool *)place ? "yes" : "no";
    case OPTION_DIALECT:
        return p0f_dialect_name(*(const enum p0f_dialect *)place);
    case OPTION_COUNT:
    case OPTION_AUTO:
        count = *(const uint32_t *)place;
        if (option->type == OPTION_AUTO && count == 0)
            return "auto";
        snprintf(space, OPTION_TEXT_SIZE, "%u", count);
        return space;
    default:
        return *(char *const *)place; /* all others are texts */
    }
}
