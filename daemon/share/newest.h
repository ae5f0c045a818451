/* SPDX-License-Identifier: MIT */
/* Finds the newest of the fields of a host's hash. They are untrusted, like the input of a client. Pure.
 *
 * Times are those of the machines that wrote them. So that a machine whose clock is ahead does not always win,
 * an observed_at in the future counts as now, and last_seen is corrected by the difference. A last_seen after
 * observed_at counts as observed_at, so that an invalid field does not win for ever. */
#ifndef SHARE_NEWEST_H
#define SHARE_NEWEST_H

#include "share/share_query.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct newest {
    const struct p0f_addr *addr; /* borrowed */
    int64_t now;                 /* Unix seconds */
    int64_t ttl_ms;
    struct share_counts *counts; /* borrowed: fields_* */
    bool found;
    struct share_found best;
    int64_t best_observed_at;
};

/* Compares a field with the newest so far, which is in `best` if `found`. Ignored and counted are values that
 * shared_host_read() refuses, whose sensor is not the name of the field, that are more than a day ahead, or
 * older than the ttl. With the same last_seen, the latest observed_at wins, then the name that sorts first, so
 * that all daemons give the same answer, whatever the order. */
void newest_add(struct newest *newest, const char *field, size_t field_length, const char *value,
                size_t value_length);

#endif
