/* SPDX-License-Identifier: MIT */
#include "p0f/pool_counts.h"

static uint64_t *count_of(struct pool_counts *counts, enum p0f_error error)
{
    switch (error) {
    case P0F_OK:
        return &counts->found;
    case P0F_NO_MATCH:
        return &counts->no_match;
    case P0F_BAD_QUERY:
        return &counts->bad_query;
    case P0F_MALFORMED:
    case P0F_LOST:
        return &counts->lost_malformed;
    case P0F_WRONG_DIALECT:
        return &counts->lost_wrong_dialect;
    default:
        return &counts->lost_disconnected;
    }
}

void pool_counts_answer(struct pool_counts *counts, enum p0f_error error, int64_t ns)
{
    ++*count_of(counts, error);
    if (error <= P0F_BAD_QUERY)
        histogram_observe(&counts->answer_time, ns);
}
