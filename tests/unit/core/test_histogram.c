/* SPDX-License-Identifier: MIT */
#include "core/histogram.h"

#include <criterion/criterion.h>
#include <string.h>

#define LAST (HISTOGRAM_BUCKETS - 1)

Test(histogram, a_bound_belongs_to_its_bucket)
{
    const int64_t *bounds = histogram_bounds();

    for (unsigned i = 0; i < LAST; i++) {
        cr_assert(i == 0 || bounds[i] > bounds[i - 1]);
        cr_assert_eq(histogram_bucket(bounds[i]), i);
        cr_assert_eq(histogram_bucket(bounds[i] + 1), i + 1);
    }
    cr_assert_eq(bounds[LAST - 1], INT64_C(5000000000));
    cr_assert_eq(histogram_bucket(-1), 0);
    cr_assert_eq(histogram_bucket(0), 0);
    cr_assert_eq(histogram_bucket(INT64_C(3600000000000)), LAST);
}

Test(histogram, observations_are_counted_and_added_up)
{
    struct histogram histogram = {0};

    histogram_observe(&histogram, 1000);
    histogram_observe(&histogram, -5);
    histogram_observe(&histogram, INT64_C(7000000000));
    cr_assert_eq(histogram.buckets[0], 2);
    cr_assert_eq(histogram.buckets[LAST], 1);
    cr_assert_eq(histogram.sum_ns, UINT64_C(7000001000));
}
