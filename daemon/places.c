#include "places.h"

#include <stdatomic.h>
#include <stdlib.h>

#define FEW_PART 64 /* few is less than this part of all, or none at all */

struct places {
    _Atomic uint32_t most;
    _Atomic uint32_t spare;
    _Atomic uint32_t taken;
    _Atomic uint32_t held[ASKERS]; /* of those taken */
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

/* For one who holds so many, when so many are taken. */
static bool has_room(const struct places *places, uint32_t taken, uint32_t held)
{
    uint32_t most = places->most;

    if (taken < most)
        return true;
    return taken - most < places->spare && (held == 0 || held < most / FEW_PART);
}

bool places_claim(struct places *places, unsigned asker)
{
    if (!has_room(places, places->taken, places->held[asker]))
        return false; /* without a trace that others could take for a place taken */
    /* Taken first and looked at then, so that of two who come for the last one only one stays; and
     * whoever has set the limits to 0, and sees none taken, knows that nobody is in between. */
    uint32_t taken = atomic_fetch_add(&places->taken, 1);
    uint32_t held = atomic_fetch_add(&places->held[asker], 1);
    if (has_room(places, taken, held))
        return true;
    places_leave(places, asker);
    return false;
}

void places_leave(struct places *places, unsigned asker)
{
    atomic_fetch_sub(&places->held[asker], 1);
    atomic_fetch_sub(&places->taken, 1);
}

uint32_t places_taken(const struct places *places)
{
    return places->taken;
}

uint32_t places_most(const struct places *places)
{
    return places->most;
}
