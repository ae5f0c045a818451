/* SPDX-License-Identifier: MIT */
#include "config/quantity.h"

#include "core/number.h"

#include <stdio.h>
#include <string.h>

struct unit {
    const char *name;
    int64_t factor;
};

static const struct unit duration_units[] = {
    {"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}, {NULL, 0},
};

static const struct unit count_units[] = {
    {"", 1}, {"k", 1000}, {"m", 1000000}, {"g", 1000000000}, {NULL, 0},
};

/* Digits and a unit; 0 needs none. */
static bool read_quantity(const char *text, const struct unit *units, int64_t *quantity)
{
    struct span digits = {text, number_digits(span_of(text))};
    const char *name = text + digits.length;
    uint64_t number;

    if (!number_parse(digits, INT64_MAX, &number))
        return false;
    *quantity = 0;
    if (number == 0 && *name == '\0')
        return true;
    for (; units->name; units++)
        if (strcmp(name, units->name) == 0)
            return !__builtin_mul_overflow(number, units->factor, quantity);
    return false;
}

bool quantity_read_duration(const char *text, int64_t *ms)
{
    return read_quantity(text, duration_units, ms);
}

bool quantity_read_count(const char *text, int64_t *count)
{
    return read_quantity(text, count_units, count);
}

const char *quantity_format_duration(int64_t ms, char space[QUANTITY_TEXT_SIZE])
{
    const struct unit *unit = duration_units;

    while (ms % unit->factor != 0)
        unit++;
    snprintf(space, QUANTITY_TEXT_SIZE, ms == 0 ? "0" : "%lld%s", (long long)(ms / unit->factor),
             unit->name);
    return space;
}
