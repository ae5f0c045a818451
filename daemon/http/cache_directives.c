/* SPDX-License-Identifier: MIT */
#include "http/cache_directives.h"

#include <string.h>
#include <strings.h>

#define AGE_MAX_S INT64_C(2147483647) /* RFC 9111, 1.2.2: anything greater is this */

static const char *skip(const char *at, const char *what)
{
    return at + strspn(at, what);
}

static bool is_word(const char *word, size_t length, const char *name)
{
    return length == strlen(name) && strncasecmp(word, name, length) == 0;
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

static void at_most(struct cache_directives *directives, int64_t max_age_ms)
{
    if (directives->max_age_ms < 0 || max_age_ms < directives->max_age_ms)
        directives->max_age_ms = max_age_ms;
}

void cache_directives_read(const char *field, struct cache_directives *directives)
{
    for (const char *at = skip(field, ", \t"); *at; at = skip(at, ", \t")) {
        size_t length = strcspn(at, "=, \t");
        if (is_word(at, length, "no-cache")) {
            at_most(directives, 0);
        } else if (is_word(at, length, "only-if-cached")) {
            directives->only_if_cached = true;
        } else if (is_word(at, length, "max-age")) {
            int64_t seconds = parse_seconds(at + length);
            if (seconds >= 0)
                at_most(directives, seconds * 1000);
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
