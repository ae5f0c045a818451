/* SPDX-License-Identifier: MIT */
#include "share/breaker.h"

#include <criterion/criterion.h>

static const struct mono now = {INT64_C(5000000000)};

/* ---- Pauses */

Test(backoff, doubles_up_to_ten_seconds)
{
    static const int64_t pauses[] = {100, 200, 400, 800, 1600, 3200, 6400, 10000, 10000};
    struct backoff backoff = {0};

    for (unsigned i = 0; i < sizeof pauses / sizeof pauses[0]; i++)
        cr_assert_eq(backoff_next(&backoff, 0), pauses[i], "%u", i);
}

Test(backoff, is_shortened_by_up_to_a_half)
{
    int64_t least = INT64_MAX, most = 0;

    for (uint64_t random = 0; random < 1000; random++) {
        struct backoff backoff = {.pause_ms = 400};
        int64_t pause = backoff_next(&backoff, random);
        cr_assert_eq(backoff.pause_ms, 800, "the next one does not depend on it");
        least = pause < least ? pause : least;
        most = pause > most ? pause : most;
    }
    cr_assert_eq(least, 400);
    cr_assert_eq(most, 800);
}

/* ---- The breaker */

static struct breaker opened(void)
{
    struct breaker breaker = {0};

    cr_assert_not(breaker_failed(&breaker, now, 0));
    cr_assert_not(breaker_failed(&breaker, now, 0));
    cr_assert_eq(breaker.state, BREAKER_CLOSED);
    cr_assert(breaker_failed(&breaker, now, 0));
    cr_assert_eq(breaker.state, BREAKER_OPEN);
    return breaker;
}

Test(breaker, opens_after_three_failures_in_a_row)
{
    struct breaker breaker = opened();

    cr_assert_eq(mono_ms_between(now, breaker.retry), 100);
}

Test(breaker, a_success_in_between_starts_the_count_again)
{
    struct breaker breaker = {0};

    for (int i = 0; i < 10; i++) {
        cr_assert_not(breaker_failed(&breaker, now, 0));
        cr_assert_not(breaker_failed(&breaker, now, 0));
        breaker_succeeded(&breaker);
    }
    cr_assert_eq(breaker.state, BREAKER_CLOSED);
}

Test(breaker, what_is_late_neither_closes_it_nor_lengthens_the_pause)
{
    struct breaker breaker = opened();
    const struct mono retry = breaker.retry;

    breaker_succeeded(&breaker);
    cr_assert_not(breaker_failed(&breaker, mono_add_ms(now, 50), 0));
    cr_assert_eq(breaker.state, BREAKER_OPEN);
    cr_assert_eq(breaker.retry.ns, retry.ns);
}

Test(breaker, a_probe_decides)
{
    struct breaker breaker = opened();

    breaker_probe(&breaker);
    cr_assert_not(breaker_failed(&breaker, now, 0), "it was open before");
    cr_assert_eq(breaker.state, BREAKER_OPEN);
    cr_assert_eq(mono_ms_between(now, breaker.retry), 200);
    breaker_probe(&breaker);
    breaker_succeeded(&breaker);
    cr_assert_eq(breaker.state, BREAKER_CLOSED);
    breaker = opened();
    cr_assert_eq(mono_ms_between(now, breaker.retry), 100, "the pause begins anew");
}
