/* SPDX-License-Identifier: MIT */
#include "core/clock.h"

#include <criterion/criterion.h>
#include <time.h>

Test(clock, adds_nanoseconds_and_milliseconds)
{
    struct mono t = {5};

    cr_assert_eq(mono_add_ns(t, 7).ns, 12);
    cr_assert_eq(mono_add_ns(t, -7).ns, -2);
    cr_assert_eq(mono_add_ms(t, 3).ns, 3000005);
    cr_assert_eq(mono_add_ms(t, -1).ns, -999995);
    cr_assert_eq(t.ns, 5);
}

Test(clock, adds_beyond_32_bits)
{
    int64_t year_ms = INT64_C(365) * 24 * 3600 * 1000;

    cr_assert_eq(mono_add_ms((struct mono){1}, year_ms).ns, year_ms * 1000000 + 1);
}

Test(clock, orders)
{
    struct mono a = {1}, b = {2};

    cr_assert(mono_before(a, b));
    cr_assert_not(mono_before(b, a));
    cr_assert_not(mono_before(a, a));
    cr_assert_eq(mono_earlier(a, b).ns, 1);
    cr_assert_eq(mono_earlier(b, a).ns, 1);
    cr_assert_eq(mono_earlier(a, a).ns, 1);
}

Test(clock, counts_whole_milliseconds_between)
{
    struct mono from = {500};

    cr_assert_eq(mono_ms_between(from, from), 0);
    cr_assert_eq(mono_ms_between(from, mono_add_ns(from, 999999)), 0);
    cr_assert_eq(mono_ms_between(from, mono_add_ns(from, 1000000)), 1);
    cr_assert_eq(mono_ms_between(from, mono_add_ns(from, 1999999)), 1);
    cr_assert_eq(mono_ms_between(from, mono_add_ms(from, -3)), -3);
}

Test(clock, never_goes_back)
{
    struct mono before = clock_mono();

    cr_assert_gt(before.ns, 0);
    for (int i = 0; i < 1000; i++) {
        struct mono now = clock_mono();
        cr_assert_not(mono_before(now, before));
        before = now;
    }
}

Test(clock, boottime_adds_orders_and_counts)
{
    struct boottime a = {500}, b = boottime_add_ms(a, 3);

    cr_assert_eq(b.ns, 3000500);
    cr_assert(boottime_before(a, b));
    cr_assert_not(boottime_before(b, a));
    cr_assert_not(boottime_before(a, a));
    cr_assert_eq(boottime_ms_between(a, b), 3);
    cr_assert_eq(boottime_ms_between(b, a), -3);
    cr_assert_eq(boottime_ms_between(a, (struct boottime){1000499}), 0);
}

Test(clock, wall_clock_is_unix_time)
{
    int64_t before = time(NULL), now = clock_wall();

    cr_assert_geq(now + 1, before, "the two may differ by a tick");
    cr_assert_leq(now, (int64_t)time(NULL) + 1);
}
