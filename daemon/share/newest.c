/* SPDX-License-Identifier: MIT */
#include "share/newest.h"

#include "core/span.h"
#include "json/shared_host.h"

#include <string.h>
#include <sys/param.h>

#define AHEAD_MAX (24 * 60 * 60) /* seconds; a time further ahead is invalid */
#define CLOCKS_DIFFER_MAX 5      /* seconds, of machines whose clocks are right */

static bool is_valid(const struct newest *newest, struct span field,
                     const struct shared_host *shared)
{
    return span_equals(field, shared->sensor) && shared->observed_at - AHEAD_MAX <= newest->now;
}

static bool is_expired(const struct newest *newest, const struct shared_host *shared)
{
    return newest->now - shared->observed_at > newest->ttl_ms / 1000;
}

/* last_seen, or 0 if it cannot be compared with others: it is in the future, or by a clock that is ahead. */
static uint32_t seen_by(const struct newest *newest, const struct shared_host *shared)
{
    if (shared->observed_at - newest->now > CLOCKS_DIFFER_MAX ||
        shared->host.last_seen - shared->observed_at > CLOCKS_DIFFER_MAX)
        return 0;
    return (uint32_t)MIN(shared->host.last_seen, newest->now);
}

static bool is_newer(const struct newest *newest, const struct shared_host *shared, uint32_t seen)
{
    const struct share_found *best = &newest->best;

    if (!newest->found || seen != best->seen)
        return !newest->found || seen > best->seen;
    if (shared->observed_at != newest->best_observed_at)
        return shared->observed_at > newest->best_observed_at;
    return strcmp(shared->sensor, best->sensor) < 0;
}

void newest_add(struct newest *newest, const char *field, size_t field_length, const char *value,
                size_t value_length)
{
    struct shared_host shared;

    if (!shared_host_read(value, value_length, newest->addr, &shared) ||
        !is_valid(newest, (struct span){field, field_length}, &shared)) {
        newest->counts->fields_invalid++;
        return;
    }
    if (is_expired(newest, &shared)) {
        newest->counts->fields_expired++;
        return;
    }
    uint32_t seen = seen_by(newest, &shared);
    if (!is_newer(newest, &shared, seen))
        return;
    _Static_assert(sizeof newest->best.sensor == sizeof shared.sensor, "the same names fit");
    newest->found = true;
    newest->best.host = shared.host;
    newest->best.seen = seen;
    newest->best_observed_at = shared.observed_at;
    memcpy(newest->best.sensor, shared.sensor, sizeof newest->best.sensor);
}
