/* SPDX-License-Identifier: MIT */
/* Finds the newest of the fields of a host's hash. They are untrusted, like the input of a client. Pure.
 *
 * Times are those of the machines that wrote them. One that is in the future says nothing about which host is the
 * newest: it is the last choice, so that neither a clock that is ahead nor an invalid field wins over others, and
 * the host is found nevertheless. */
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
