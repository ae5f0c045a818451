/* SPDX-License-Identifier: MIT */
#include "http/media_type.h"

#include "core/span.h"

#include <string.h>
#include <strings.h>

#define WHITESPACE " \t"
#define TOKEN_END WHITESPACE ";,=\""

static const char *skip_whitespace(const char *at)
{
    return at + strspn(at, WHITESPACE);
}

/* Skips `word`, or returns NULL when it is not there. */
static const char *skip_word(const char *at, const char *word)
{
    size_t length = strlen(word);

    return strncasecmp(at, word, length) == 0 ? at + length : NULL;
}

/* Skips a token or a quoted string. NULL when there is neither. */
static const char *skip_value(const char *at)
{
    const char *end = at + strcspn(at, TOKEN_END);

    if (at[0] != '"')
        return end > at ? end : NULL;
    for (end = at + 1; end[0] != '"'; end++) {
        if (end[0] == '\\')
            end++;
        if (end[0] == '\0')
            return NULL;
    }
    return end + 1;
}

/* "utf-8" or "us-ascii", quoted or not. */
static bool is_utf8(const char *value, size_t length)
{
    struct span charset = {value, length};

    if (value[0] == '"')
        charset = (struct span){value + 1, length - 2};
    return span_equals_nocase(charset, "utf-8") || span_equals_nocase(charset, "us-ascii");
}

/* NULL when it is malformed, or a charset other than these. */
static const char *skip_parameter(const char *at)
{
    const char *value = skip_word(at, "charset=");
    bool charset = value;

    if (!value) {
        value = at + strcspn(at, TOKEN_END);
        if (value == at || value[0] != '=')
            return NULL;
        value++;
    }
    const char *end = skip_value(value);
    return !end || (charset && !is_utf8(value, (size_t)(end - value))) ? NULL : end;
}

bool media_type_is(const char *field, const char *type)
{
    const char *at = skip_word(skip_whitespace(field), type);

    if (!at)
        return false;
    at = skip_whitespace(at);
    while (at[0] == ';') {
        at = skip_whitespace(at + 1);
        if (at[0] != '\0' && at[0] != ';') /* an empty parameter is harmless */
            at = skip_parameter(at);
        if (!at)
            return false;
        at = skip_whitespace(at);
    }
    return at[0] == '\0';
}
