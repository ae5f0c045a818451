#include "lookup/admission.h"

#include <stdatomic.h>
#include <stdlib.h>

#define FEW_PART 64U /* few is less than this part of all, or none at all; half it at each width */

struct places {
    _Atomic uint32_t most;
    _Atomic uint32_t spare;
    _Atomic uint32_t taken;
    _Atomic uint32_t held[ASKER_WIDTHS][ASKERS]; /* of those taken */
};

struct places *places_new(void)
{
    return calloc(1, sizeof(struct places));
}

void places_free(struct places *places)
{
    free(places);
}

void places_set(struct places *places, uint32_t most, uint32_t spare)
{
    places->most = most;
    places->spare = spare;
}

static bool is_few(const struct places *places, unsigned width, uint32_t held)
{
    return held == 0 || held < places->most / (FEW_PART >> width);
}

/* What it holds at each width. */
struct holding {
    uint32_t held[ASKER_WIDTHS];
};

static bool holds_few(const struct places *places, struct flow asker, const struct holding *holding)
{
    for (unsigned width = 0; width < asker.widths; width++)
        if (!is_few(places, width, holding->held[width]))
            return false;
    return true;
}

/* For one who holds so many, when so many are taken. */
static bool has_room(const struct places *places, uint32_t taken, struct flow asker,
                     const struct holding *holding)
{
    uint32_t most = places->most;

    if (taken < most)
        return true;
    return taken - most < places->spare && holds_few(places, asker, holding);
}

bool places_claim(struct places *places, struct flow asker)
{
    struct holding holding = {{0}};

    for (unsigned width = 0; width < asker.widths; width++)
        holding.held[width] = places->held[width][asker.numbers[width]];
    if (!has_room(places, places->taken, asker, &holding))
        return false; /* without a trace that others could take for a place taken */
    /* Taken first and looked at then, so that of two who come for the last one only one stays; and
     * whoever has set the limits to 0, and sees none taken, knows that nobody is in between. */
    uint32_t taken = atomic_fetch_add(&places->taken, 1);
    for (unsigned width = 0; width < asker.widths; width++)
        holding.held[width] = atomic_fetch_add(&places->held[width][asker.numbers[width]], 1);
    if (has_room(places, taken, asker, &holding))
        return true;
    places_leave(places, asker);
    return false;
}

void places_leave(struct places *places, struct flow asker)
{
    for (unsigned width = 0; width < asker.widths; width++)
        atomic_fetch_sub(&places->held[width][asker.numbers[width]], 1);
    atomic_fetch_sub(&places->taken, 1);
}

unsigned places_turn(const struct places *places, struct flow asker)
{
    unsigned width = asker.widths - 1U;

    while (width > 0 && is_few(places, width, places->held[width][asker.numbers[width]]))
        width--;
    return asker.numbers[width];
}

uint32_t places_taken(const struct places *places)
{
    return places->taken;
}

uint32_t places_most(const struct places *places)
{
    return places->most;
}
