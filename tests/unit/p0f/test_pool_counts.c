/* SPDX-License-Identifier: MIT */
#include "p0f/pool_counts.h"

#include <criterion/criterion.h>

Test(pool_counts, each_answer_is_counted_once)
{
    struct pool_counts counts = {0};
    const enum p0f_error errors[] = {
        P0F_OK,   P0F_NO_MATCH,      P0F_NO_MATCH,     P0F_BAD_QUERY,    P0F_MALFORMED,
        P0F_LOST, P0F_WRONG_DIALECT, P0F_DISCONNECTED, P0F_DISCONNECTED, P0F_DISCONNECTED};

    for (unsigned i = 0; i < sizeof errors / sizeof errors[0]; i++)
        pool_counts_answer(&counts, errors[i], 1000);
    cr_assert_eq(counts.found, 1);
    cr_assert_eq(counts.no_match, 2);
    cr_assert_eq(counts.bad_query, 1);
    cr_assert_eq(counts.lost_malformed, 2);
    cr_assert_eq(counts.lost_wrong_dialect, 1);
    cr_assert_eq(counts.lost_disconnected, 3);
    cr_assert_eq(counts.answer_time.buckets[0], 4, "only what p0f has answered is timed");
    cr_assert_eq(counts.answer_time.sum_ns, 4000);
}
