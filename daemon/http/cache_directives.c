/* SPDX-License-Identifier: MIT */
#include "http/cache_directives.h"

#include "core/span.h"

#include <string.h>

#define AGE_MAX_S INT64_C(2147483647) /* RFC 9111, 1.2.2: anything greater is this */

static const char *skip(const char *at, const char *what)
{
    return at + strspn(at, what);
}

static int64_t parse_seconds(const char *at)
{
    int64_t seconds = 0;

    at = skip(at, "= \t\"");
    if (*at < '0' || *at > '9')
        return -1;
    for (; *at >= '0' && *at <= '9'; at++)
        if (seconds < AGE_MAX_S)
            seconds = seconds * 10 + (*at - '0');
    return seconds < AGE_MAX_S ? seconds : AGE_MAX_S;
}

/* Of several limits, the lowest applies. */
static void limit_age(struct cache_directives *directives, int64_t max_age_ms)
{
    if (directives->max_age_ms < 0 || max_age_ms < directives->max_age_ms)
        directives->max_age_ms = max_age_ms;
}

void cache_directives_read(const char *field, struct cache_directives *directives)
{
    for (const char *at = skip(field, ", \t"); *at; at = skip(at, ", \t")) {
        const struct span name = {at, strcspn(at, "=, \t")};
        if (span_equals_nocase(name, "no-cache")) {
            limit_age(directives, 0);
        } else if (span_equals_nocase(name, "only-if-cached")) {
            directives->only_if_cached = true;
        } else if (span_equals_nocase(name, "max-age")) {
            int64_t seconds = parse_seconds(at + name.length);
            if (seconds >= 0)
                limit_age(directives, seconds * 1000);
        }
        at += strcspn(at, ",");
    }
}

bool etag_listed(const char *field, const char *etag)
{
    size_t length = strlen(etag);
    const char *at = skip(field, ", \t");

    if (at[0] == '*' && *skip(at + 1, " \t") == '\0')
        return true;
    while (*at) {
        if (at[0] == 'W' && at[1] == '/')
            at += 2;
        if (*at != '"')
            return false; /* not a list of entity tags */
        const char *end = strchr(at + 1, '"');
        if (!end)
            return false;
        if ((size_t)(end + 1 - at) == length && memcmp(at, etag, length) == 0)
            return true;
        at = skip(end + 1, ", \t");
    }
    return false;
}
