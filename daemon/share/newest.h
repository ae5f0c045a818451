/* SPDX-License-Identifier: MIT */
/* The newest of the fields of a host's hash. They are as untrusted as what comes from a client. Pure.
 *
 * Times are those of the machines that wrote them. One whose clock is ahead would always win: a field is taken to
 * have been observed now at the latest, and last_seen is corrected by as much. Nor can a host have been seen later
 * than that was observed, whatever the field says: a wrong one must not win for ever. */
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

/* Takes a field and its value into account: the best so far is in `best`, if `found`. Ignored, and counted, is
 * what shared_host_read() refuses, what is not in the field of its sensor, what was observed in more than a day,
 * and what is older than the ttl. Of fields that were seen in the same second, that which was observed last is
 * the newest, then that whose name sorts first: all daemons give the same answer, whatever the order. */
void newest_add(struct newest *newest, const char *field, size_t field_length, const char *value,
                size_t value_length);

#endif
