#include "media_type.h"

#include <string.h>
#include <strings.h>

#define BLANKS " \t"

static const char *skip_blanks(const char *at)
{
    return at + strspn(at, BLANKS);
}

/* Skips `word`, or returns NULL when it is not there. */
static const char *skip_word(const char *at, const char *word)
{
    size_t length = strlen(word);

    return strncasecmp(at, word, length) == 0 ? at + length : NULL;
}

/* "utf-8", in quotes or not. */
static const char *skip_charset(const char *at)
{
    const char *end = skip_word(at, "charset=");

    if (!end)
        return NULL;
    at = end;
    return skip_word(at, at[0] == '"' ? "\"utf-8\"" : "utf-8");
}

bool media_type_is_json(const char *field)
{
    const char *at = skip_word(skip_blanks(field), "application/json");

    if (!at)
        return false;
    at = skip_blanks(at);
    while (at[0] == ';') {
        at = skip_blanks(at + 1);
        if (at[0] != '\0' && at[0] != ';') /* nothing behind a semicolon is harmless */
            at = skip_charset(at);
        if (!at)
            return false;
        at = skip_blanks(at);
    }
    return at[0] == '\0';
}
