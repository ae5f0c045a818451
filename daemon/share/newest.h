/* SPDX-License-Identifier: MIT */
/* The newest of the fields of a host's hash. They are as untrusted as what comes from a client. Pure. */
#ifndef SHARE_NEWEST_H
#define SHARE_NEWEST_H

#include "share/share.h"

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
};

/* Takes a field and its value into account: the best so far is in `best`, if `found`. */
void newest_add(struct newest *newest, const char *field, size_t field_length, const char *value,
                size_t value_length);

#endif
