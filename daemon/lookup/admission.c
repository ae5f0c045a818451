/* SPDX-License-Identifier: MIT */
#include "lookup/admission.h"

#include <stdatomic.h>
#include <stdlib.h>

#define FEW_PART 64U /* few is less than this part of `max`, or none; halved at each width */

struct admission {
    _Atomic uint32_t max;
    _Atomic uint32_t reserve;
    _Atomic uint32_t taken;
    _Atomic uint32_t held[FLOW_WIDTHS][FLOWS]; /* of `taken`, by each flow number */
};

struct admission *admission_new(void)
{
    return calloc(1, sizeof(struct admission));
}

void admission_free(struct admission *admission)
{
    free(admission);
}

void admission_set(struct admission *admission, uint32_t max, uint32_t reserve)
{
    admission->max = max;
    admission->reserve = reserve;
}

static bool is_few(const struct admission *admission, unsigned width, uint32_t held)
{
    return held == 0 || held < admission->max / (FEW_PART >> width);
}

/* What a flow has admitted, at each width. */
struct holding {
    uint32_t held[FLOW_WIDTHS];
};

static bool holds_few(const struct admission *admission, struct flow flow,
                      const struct holding *holding)
{
    for (unsigned width = 0; width < flow.widths; width++)
        if (!is_few(admission, width, holding->held[width]))
            return false;
    return true;
}

/* Whether a flow that holds `holding` may have one more while `taken` are admitted. */
static bool has_room(const struct admission *admission, uint32_t taken, struct flow flow,
                     const struct holding *holding)
{
    uint32_t max = admission->max;

    if (taken < max)
        return true;
    return taken - max < admission->reserve && holds_few(admission, flow, holding);
}

bool admission_claim(struct admission *admission, struct flow flow)
{
    struct holding holding = {{0}};

    for (unsigned width = 0; width < flow.widths; width++)
        holding.held[width] = admission->held[width][flow.numbers[width]];
    if (!has_room(admission, admission->taken, flow, &holding))
        return false; /* without counting anything, which others could take for an admission */
    /* Counts first and checks afterwards: so of two claims for the last admission only one succeeds, and
     * if nothing is counted after the limits were set to 0, no claim is in between. */
    uint32_t taken = atomic_fetch_add(&admission->taken, 1);
    for (unsigned width = 0; width < flow.widths; width++)
        holding.held[width] = atomic_fetch_add(&admission->held[width][flow.numbers[width]], 1);
    if (has_room(admission, taken, flow, &holding))
        return true;
    admission_release(admission, flow);
    return false;
}

void admission_release(struct admission *admission, struct flow flow)
{
    for (unsigned width = 0; width < flow.widths; width++)
        atomic_fetch_sub(&admission->held[width][flow.numbers[width]], 1);
    atomic_fetch_sub(&admission->taken, 1);
}

unsigned admission_turn(const struct admission *admission, struct flow flow)
{
    unsigned width = flow.widths - 1U;

    while (width > 0 && is_few(admission, width, admission->held[width][flow.numbers[width]]))
        width--;
    return flow.numbers[width];
}

uint32_t admission_taken(const struct admission *admission)
{
    return admission->taken;
}

uint32_t admission_max(const struct admission *admission)
{
    return admission->max;
}
