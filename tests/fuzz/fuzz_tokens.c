/* SPDX-License-Identifier: MIT */
/* Any bytes are a file of tokens: it is taken, and then each line is a comment, blank or one token that is found
 * with its role, or it is refused with the number of a line and a reason. */
#include "holds.h"
#include "net/tokens.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The lines that are neither blank nor comments. */
static size_t count_lines(const char *text)
{
    size_t count = 0;

    if (strncmp(text, "\xef\xbb\xbf", 3) == 0)
        text += 3;
    for (; *text; text += strcspn(text, "\n"), text += *text == '\n') {
        size_t blank = strspn(text, " \t");
        char first = text[blank];
        if (first != '\0' && first != '\n' && first != '#' &&
            !(first == '\r' && (text[blank + 1] == '\n' || !text[blank + 1])))
            count++;
    }
    return count;
}

static size_t count_breaks(const char *text, size_t size)
{
    size_t count = 0;

    for (size_t i = 0; i < size; i++)
        count += text[i] == '\n';
    return count;
}

/* Words of the file are no tokens: it has their digests. */
static void check_none_of_the_words(const struct tokens *tokens, const char *text)
{
    enum token_role role;

    for (; *text; text += strcspn(text, " \t\r\n"), text += strspn(text, " \t\r\n")) {
        size_t length = strcspn(text, " \t\r\n");
        char digest[TOKEN_DIGEST_SIZE];
        token_digest((struct span){text, length}, digest);
        if (!strstr(text, digest + strlen(TOKEN_DIGEST_PREFIX)))
            continue; /* the text would have to have it further on */
        HOLDS(length == 0 || tokens_find(tokens, (struct span){text, length}, &role));
    }
    HOLDS(!tokens_find(tokens, (struct span){"", 0}, &role));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *exact = malloc(size ? size : 1), *text = malloc(size + 1), error[TOKENS_ERROR_SIZE];
    int line = -1;

    HOLDS(exact && text);
    if (size > 0) {
        memcpy(exact, data, size); /* without a NUL: what is read beyond the end shows */
        memcpy(text, data, size);
    }
    text[size] = '\0';
    memset(error, 'x', sizeof error);
    struct tokens *tokens = tokens_parse((struct span){exact, size}, &line, error);
    if (tokens) {
        HOLDS(!memchr(exact, '\0', size));
        HOLDS(tokens_count(tokens) == count_lines(text));
        HOLDS(tokens_count(tokens) >= 1 && tokens_count(tokens) <= TOKENS_MAX);
        check_none_of_the_words(tokens, text);
    } else {
        HOLDS(memchr(error, '\0', sizeof error) && error[0]);
        HOLDS(line >= 0 && (size_t)line <= count_breaks(exact, size) + 1);
        HOLDS(line > 0 || strstr(error, "holds no token"));
    }
    tokens_unref(tokens);
    free(exact);
    free(text);
    return 0;
}
