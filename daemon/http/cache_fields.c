/* SPDX-License-Identifier: MIT */
/* Written with core/strbuf.h instead of snprintf: this runs for most hits. */
#include "http/cache_fields.h"

#include "core/strbuf.h"

static void put_seconds(struct strbuf *buf, const char *name, int64_t ms)
{
    strbuf_puts(buf, name);
    strbuf_put_number(buf, ms / 1000);
}

/* The sizes in the header are those of the longest values. */
static void end_field(struct strbuf *buf)
{
    strbuf_put(buf, "", 1);
}

void cache_fields_age(const struct freshness *freshness, char text[CACHE_FIELDS_AGE_SIZE])
{
    struct strbuf buf = strbuf_on(text, CACHE_FIELDS_AGE_SIZE);

    put_seconds(&buf, "", freshness->age_ms);
    end_field(&buf);
}

void cache_fields_control(const struct freshness *freshness, char text[CACHE_FIELDS_CONTROL_SIZE])
{
    struct strbuf buf = strbuf_on(text, CACHE_FIELDS_CONTROL_SIZE);

    put_seconds(&buf, freshness->personal ? "private, max-age=" : "max-age=", freshness->ttl_ms);
    if (freshness->stale_while_revalidate_ms >= 1000)
        put_seconds(&buf, ", stale-while-revalidate=", freshness->stale_while_revalidate_ms);
    if (freshness->stale_if_error_ms >= 1000)
        put_seconds(&buf, ", stale-if-error=", freshness->stale_if_error_ms);
    end_field(&buf);
}

/* Seconds of freshness left; at least one short when it is stale. */
static int64_t remaining_s(const struct freshness *freshness)
{
    int64_t left_ms = freshness->ttl_ms - freshness->age_ms;

    return left_ms > 0 ? left_ms / 1000 : (left_ms - 999) / 1000 - (left_ms == 0);
}

static void put_source(struct strbuf *buf, const struct freshness *freshness)
{
    switch (freshness->source) {
    case FRESHNESS_HIT:
        strbuf_puts(buf, "hit; ttl=");
        strbuf_put_number(buf, remaining_s(freshness));
        return;
    case FRESHNESS_MISS:
        strbuf_puts(buf, "fwd=miss");
        break;
    case FRESHNESS_EXPIRED:
        strbuf_puts(buf, "fwd=stale");
        break;
    case FRESHNESS_REQUEST:
        strbuf_puts(buf, "fwd=request");
        break;
    }
    if (freshness->collapsed)
        strbuf_puts(buf, "; collapsed");
    else if (freshness->stored)
        strbuf_puts(buf, "; stored");
}

void cache_fields_status(const struct freshness *freshness, char text[CACHE_FIELDS_STATUS_SIZE])
{
    struct strbuf buf = strbuf_on(text, CACHE_FIELDS_STATUS_SIZE);

    strbuf_puts(&buf, "p0f-lookupd; ");
    put_source(&buf, freshness);
    if (freshness->rate_limited)
        strbuf_puts(&buf, "; detail=rate-limited");
    end_field(&buf);
}
