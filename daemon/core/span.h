/* SPDX-License-Identifier: MIT */
/* Text as a pointer and a length, for parsers: no NUL needed, no copy made, never read beyond its end.
 *
 * All functions are pure. `text`, `prefix` and the like are NUL-terminated strings. */
#ifndef CORE_SPAN_H
#define CORE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

struct span {
    const char *at;
    size_t length;
};

/* All of a string, without its NUL. */
static inline struct span span_of(const char *text)
{
    return (struct span){text, strlen(text)};
}

static inline bool span_equals(struct span span, const char *text)
{
    return span.length == strlen(text) && memcmp(span.at, text, span.length) == 0;
}

/* Ignores the case of ASCII letters, as do those that follow with _nocase. */
static inline bool span_equals_nocase(struct span span, const char *text)
{
    return span.length == strlen(text) && strncasecmp(span.at, text, span.length) == 0;
}

/* Skips `count` bytes; there must be that many. */
static inline struct span span_from(struct span span, size_t count)
{
    return (struct span){span.at + count, span.length - count};
}

/* Removes `prefix` from the front. False, with nothing removed, if the span does not begin with it. */
static inline bool span_skip(struct span *span, const char *prefix)
{
    size_t length = strlen(prefix);

    if (span->length < length || memcmp(span->at, prefix, length) != 0)
        return false;
    *span = span_from(*span, length);
    return true;
}

static inline bool span_skip_nocase(struct span *span, const char *prefix)
{
    size_t length = strlen(prefix);

    if (span->length < length || strncasecmp(span->at, prefix, length) != 0)
        return false;
    *span = span_from(*span, length);
    return true;
}

/* Splits off and returns what precedes the first `mark`, and removes the mark. Without a mark, that is
 * the whole span. */
static inline struct span span_split(struct span *rest, char mark)
{
    const char *found = rest->length ? memchr(rest->at, mark, rest->length) : NULL;
    size_t length = found ? (size_t)(found - rest->at) : rest->length;
    struct span head = {rest->at, length};

    *rest = span_from(*rest, found ? length + 1 : length);
    return head;
}

static inline bool span_is_blank(char byte)
{
    return byte == ' ' || byte == '\t';
}

/* Without the spaces and tabs around it. */
static inline struct span span_trim(struct span span)
{
    while (span.length > 0 && span_is_blank(span.at[0]))
        span = span_from(span, 1);
    while (span.length > 0 && span_is_blank(span.at[span.length - 1]))
        span.length--;
    return span;
}

/* Takes the next item, trimmed, off a comma-separated list; false after the last one, when list->at
 * is NULL. Every comma has an item on either side, which may be empty: "" is one, "a," are two. */
static inline bool span_next_item(struct span *list, struct span *item)
{
    if (!list->at)
        return false;
    struct span head = span_split(list, ',');
    bool last = list->at == head.at + head.length;
    *item = span_trim(head);
    if (last)
        list->at = NULL;
    return true;
}

#endif
