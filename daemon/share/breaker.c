/* SPDX-License-Identifier: MIT */
#include "share/breaker.h"

#define PAUSE_FIRST_MS 100
#define PAUSE_MAX_MS 10000

int64_t backoff_next(struct backoff *backoff, uint64_t random)
{
    int64_t pause = backoff->pause_ms ? 2 * backoff->pause_ms : PAUSE_FIRST_MS;

    if (pause > PAUSE_MAX_MS)
        pause = PAUSE_MAX_MS;
    backoff->pause_ms = pause;
    return pause - (int64_t)(random % (uint64_t)(pause / 2 + 1));
}

bool breaker_failed(struct breaker *breaker, struct mono now, uint64_t random)
{
    bool opens = breaker->state == BREAKER_CLOSED && ++breaker->failures >= BREAKER_FAILURES;

    if (!opens && breaker->state != BREAKER_PROBING)
        return false;
    breaker->state = BREAKER_OPEN;
    breaker->retry = mono_add_ms(now, backoff_next(&breaker->backoff, random));
    return opens;
}

void breaker_succeeded(struct breaker *breaker)
{
    if (breaker->state != BREAKER_OPEN)
        *breaker = (struct breaker){.state = BREAKER_CLOSED};
}

void breaker_probe(struct breaker *breaker)
{
    breaker->state = BREAKER_PROBING;
}
