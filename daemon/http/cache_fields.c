/* SPDX-License-Identifier: MIT */
/* Written with a cursor instead of snprintf: this runs on every hit. */
#include "http/cache_fields.h"

#include "core/number.h"

#include <string.h>

static char *put_text(char *out, const char *text)
{
    size_t length = strlen(text);

    memcpy(out, text, length + 1);
    return out + length;
}

static char *put_number(char *out, int64_t value)
{
    out += number_format(value, out);
    *out = '\0';
    return out;
}

void cache_fields_age(const struct freshness *freshness, char text[CACHE_FIELDS_AGE_SIZE])
{
    put_number(text, freshness->age_ms / 1000);
}

void cache_fields_control(const struct freshness *freshness, char text[CACHE_FIELDS_CONTROL_SIZE])
{
    char *out = put_text(text, freshness->personal ? "private, max-age=" : "max-age=");

    out = put_number(out, freshness->ttl_ms / 1000);

    if (freshness->stale_while_revalidate_ms >= 1000)
        out = put_number(put_text(out, ", stale-while-revalidate="),
                         freshness->stale_while_revalidate_ms / 1000);
    if (freshness->stale_if_error_ms >= 1000)
        put_number(put_text(out, ", stale-if-error="), freshness->stale_if_error_ms / 1000);
}

/* Seconds of freshness left; at least one short when it is stale. */
static int64_t remaining_s(const struct freshness *freshness)
{
    int64_t left_ms = freshness->ttl_ms - freshness->age_ms;

    return left_ms > 0 ? left_ms / 1000 : (left_ms - 999) / 1000 - (left_ms == 0);
}

static char *put_source(const struct freshness *freshness, char *out)
{
    switch (freshness->source) {
    case FRESHNESS_HIT:
        return put_number(put_text(out, "hit; ttl="), remaining_s(freshness));
    case FRESHNESS_MISS:
        out = put_text(out, "fwd=miss");
        break;
    case FRESHNESS_EXPIRED:
        out = put_text(out, "fwd=stale");
        break;
    case FRESHNESS_REQUEST:
        out = put_text(out, "fwd=request");
        break;
    }
    if (freshness->collapsed)
        return put_text(out, "; collapsed");
    if (freshness->stored && freshness->source != FRESHNESS_EXPIRED)
        return put_text(out, "; stored");
    return out;
}

void cache_fields_status(const struct freshness *freshness, char text[CACHE_FIELDS_STATUS_SIZE])
{
    char *out = put_source(freshness, put_text(text, "p0f-lookupd; "));

    if (freshness->rate_limited)
        put_text(out, "; detail=rate-limited");
}
