/* SPDX-License-Identifier: MIT */
/* Fields of a hash, as sensors write them. */
#ifndef NEWEST_FIXTURE_H
#define NEWEST_FIXTURE_H

#include "json/shared_host.h"

#include <criterion/criterion.h>

static const struct p0f_addr addr = {4, {192, 0, 2, 1}};

struct field {
    char value[SHARED_HOST_MAX];
    size_t length;
};

/* The number of connections tells which one it is. */
static inline struct field field_of(const char *sensor, uint32_t last_seen, int64_t observed_at,
                                    uint32_t total_conn)
{
    const struct p0f_host host = {
        .dialect = P0F_DIALECT_P0F3, .last_seen = last_seen, .total_conn = total_conn};
    struct field field;

    field.length = shared_host_write(&addr, &host, sensor, observed_at, field.value);
    cr_assert_gt(field.length, 0);
    return field;
}

#endif
