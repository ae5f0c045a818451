/* SPDX-License-Identifier: MIT */
/* Messages show invalid lists as well, so this hides too much rather than too little. */
#include "core/number.h"
#include "net/redis_url.h"

#include <string.h>

#define HIDDEN "***"

struct output {
    char *at;
    size_t left; /* with the NUL */
};

static void put_span(struct output *out, struct span text)
{
    size_t length = text.length < out->left ? text.length : out->left - 1;

    memcpy(out->at, text.at, length);
    out->at += length;
    out->left -= length;
    *out->at = '\0';
}

static bool begins_url(struct span text)
{
    static const char *const schemes[] = {"redis://", "rediss://", "valkey://", "valkeys://",
                                          "unix:"};

    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++)
        if (span_skip_nocase(&(struct span){text.at, text.length}, schemes[i]))
            return true;
    return false;
}

/* Other text is not changed. */
static bool may_have_url(struct span text)
{
    return memmem(text.at, text.length, "//", 2) || memmem(text.at, text.length, "unix:", 5) ||
           memchr(text.at, '@', text.length);
}

/* Takes a URL off the front, with all that follows up to the next one: a password may have a comma that
 * should have been encoded. */
static struct span take_url(struct span *rest)
{
    struct span whole = *rest;
    bool apart = false;

    while (rest->length > 0 && !(apart && begins_url(*rest))) {
        apart = strchr(", \t", rest->at[0]) != NULL;
        *rest = span_from(*rest, 1);
    }
    return (struct span){whole.at, whole.length - rest->length};
}

/* The length of the scheme: up to "://", or the "unix:" of a path without credentials. */
static size_t scheme_length(struct span url, bool *is_path)
{
    struct span rest = url;
    const char *slashes = memmem(url.at, url.length, "://", 3);
    size_t length = slashes ? (size_t)(slashes - url.at) : url.length;

    *is_path = span_skip_nocase(&rest, "unix:");
    if (*is_path && !span_skip(&rest, "//"))
        return url.length - rest.length;
    return length < url.length && !memchr(url.at, '@', length) && !memchr(url.at, ':', length)
               ? length + 3
               : 0;
}

/* Whether the text after this colon is not a port: perhaps a password without a host. */
static bool hides_after_colon(struct span rest, size_t colon)
{
    struct span after = span_from(rest, colon + 1);

    after = span_from(after, number_digits(after));
    return colon == 0 || (after.length > 0 && !strchr("/?, \t", after.at[0]));
}

/* Whether the text after this question mark is not a database. */
static bool hides_after_query(struct span rest, size_t mark)
{
    struct span after = span_from(rest, mark + 1);

    if (!span_skip(&after, "db="))
        return true;
    after = span_from(after, number_digits(after));
    return after.length > 0 && !strchr(", \t", after.at[0]);
}

/* How much of the text after the credentials may be shown. */
static size_t shown_length(struct span rest, bool is_path)
{
    const char *bracket =
        rest.length > 0 && rest.at[0] == '[' ? memchr(rest.at, ']', rest.length) : NULL;

    for (size_t i = bracket ? (size_t)(bracket - rest.at) : 0; i < rest.length; i++)
        if ((rest.at[i] == ':' && !is_path && hides_after_colon(rest, i)) ||
            (rest.at[i] == '?' && hides_after_query(rest, i)))
            return i + 1;
    return rest.length;
}

/* Takes "user:password@" off the front. */
static void redact_credentials(struct span *rest, struct output *out)
{
    const char *at = rest->length > 0 ? memrchr(rest->at, '@', rest->length) : NULL;

    if (!at)
        return;
    struct span credentials = {rest->at, (size_t)(at - rest->at)}, password = credentials;
    struct span user = span_split(&password, ':');
    if (user.length < credentials.length)
        put_span(out, (struct span){user.at, user.length + 1});
    put_span(out, span_of(credentials.length > 0 ? HIDDEN "@" : "@"));
    *rest = span_from(*rest, credentials.length + 1);
}

static void redact_url(struct span url, struct output *out)
{
    bool is_path;
    size_t scheme = scheme_length(url, &is_path), shown;
    struct span rest = span_from(url, scheme);

    put_span(out, (struct span){url.at, scheme});
    if (!is_path || scheme > strlen("unix:"))
        redact_credentials(&rest, out);
    shown = shown_length(rest, is_path);
    put_span(out, (struct span){rest.at, shown});
    if (shown < rest.length)
        put_span(out, span_of(HIDDEN));
}

void redis_url_redact(struct span list, char *text, size_t size)
{
    struct output out = {.at = text, .left = size};

    text[0] = '\0';
    if (!may_have_url(list))
        put_span(&out, list);
    else
        while (list.length > 0)
            redact_url(take_url(&list), &out);
}
