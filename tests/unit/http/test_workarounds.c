/* SPDX-License-Identifier: MIT */
#include "http/workarounds.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

/* Takes a header apart as libmicrohttpd 0.9.75 does, and looks at what becomes of it. The copy that
 * is worked on is no longer than the header, so that a sanitizer sees whatever is read beyond. */

struct cursor {
    char *at;
    char *end;
};

/* The next line, whose end becomes NULs, and its length. */
static char *next_line(struct cursor *header, size_t *length)
{
    char *line = header->at;
    char *lf = memchr(line, '\n', (size_t)(header->end - line)), *end = lf;

    cr_assert_not_null(lf);
    *end = '\0';
    if (lf > line && lf[-1] == '\r')
        *--end = '\0';
    *length = (size_t)(end - line);
    header->at = lf + 1;
    return line;
}

static void begin(struct http_head *head, char *line, size_t length)
{
    char *target = memchr(line, ' ', length), *blank = line + length - 1;

    while (*blank != ' ')
        blank--;
    *target++ = '\0';
    while (*target == ' ')
        target++;
    *blank = '\0';
    http_head_begin(head, line, target, target + strlen(target), blank + 1);
}

static char *split(char *line)
{
    char *colon = strchr(line, ':');

    cr_assert_not_null(colon);
    *colon++ = '\0';
    return colon + strspn(colon, " \t");
}

/* What was on the second line goes behind the name. */
static char *join(const char *name, const char *line)
{
    char *joined = malloc(strlen(name) + strlen(line) + 1);

    return strcat(strcpy(joined, name), line + strspn(line, " \t"));
}

static bool is_whole(const char *text, size_t length)
{
    char *bytes = malloc(length), *copy = NULL, *line, *name = NULL, *value = NULL;
    struct cursor header = {bytes, bytes + length};
    struct http_head head;
    size_t line_length;

    memcpy(bytes, text, length);
    line = next_line(&header, &line_length);
    begin(&head, line, line_length);
    for (;;) {
        line = next_line(&header, &line_length);
        if (name && (line[0] == ' ' || line[0] == '\t')) {
            name = copy = join(name, line);
            continue;
        }
        if (name)
            http_head_field(&head, name, value, strlen(value));
        if (line[0] == '\0')
            break;
        name = line;
        value = split(line);
    }
    bool whole = http_head_ends(&head, bytes, (size_t)(header.at - bytes));
    free(copy);
    free(bytes);
    return whole;
}

#define IS_WHOLE(text) is_whole(text, sizeof(text) - 1)

Test(workarounds, whole)
{
    cr_assert(IS_WHOLE("GET / HTTP/1.1\r\n\r\n"));
    cr_assert(IS_WHOLE("GET / HTTP/1.1\n\n"));
    cr_assert(IS_WHOLE("GET / HTTP/1.1\r\n\n"));
    cr_assert(IS_WHOLE("GET / HTTP/1.1\n\r\n"));
    cr_assert(IS_WHOLE("GET    / HTTP/1.1\r\nHost: x\r\n\r\n"));
    cr_assert(IS_WHOLE("GET /  HTTP/1.1\r\nHost: x\r\n\r\n"));
    cr_assert(IS_WHOLE("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    cr_assert(IS_WHOLE("GET / HTTP/1.1\nHost: x\n\n"));
    cr_assert(IS_WHOLE("GET / HTTP/1.1\r\nHost:x\nA:\r\nB: \t \nC: d : e \r\n\n"));
    cr_assert(IS_WHOLE("GET / HTTP/1.1\r\nHost: x\r\nA:\r\n\r\n"));
}

Test(workarounds, a_nul_in_the_request_line)
{
    cr_assert_not(IS_WHOLE("G\0ET / HTTP/1.1\r\n\r\n"));
    cr_assert_not(IS_WHOLE("GET\0 / HTTP/1.1\r\n\r\n"));
    cr_assert_not(IS_WHOLE("GET \0/ HTTP/1.1\r\n\r\n"));
    cr_assert_not(IS_WHOLE("GET /\0 HTTP/1.1\r\n\r\n"));
    cr_assert_not(IS_WHOLE("GET /a\0b HTTP/1.1\r\n\r\n"));
    cr_assert_not(IS_WHOLE("GET /a?b\0c HTTP/1.1\r\n\r\n"));
}

Test(workarounds, a_nul_in_a_field)
{
    cr_assert_not(IS_WHOLE("GET / HTTP/1.1\r\nA: b\0\r\nHost: x\r\n\r\n"));
    cr_assert_not(IS_WHOLE("GET / HTTP/1.1\r\nA: b\0c\r\nHost: x\r\n\r\n"));
    cr_assert_not(IS_WHOLE("GET / HTTP/1.1\r\nA: b\0c\nHost: x\n\n"));
    cr_assert_not(IS_WHOLE("GET / HTTP/1.1\r\nA: b\0\0\r\nHost: x\r\n\r\n"));
    cr_assert_not(IS_WHOLE("GET / HTTP/1.1\r\nA:\0b\r\nHost: x\r\n\r\n"));
    cr_assert_not(IS_WHOLE("GET / HTTP/1.1\r\nA: \0b\r\nHost: x\r\n\r\n"));
}

Test(workarounds, a_nul_in_the_last_field)
{
    cr_assert_not(IS_WHOLE("GET / HTTP/1.1\r\nA: b\0\r\n\r\n"));
    cr_assert_not(IS_WHOLE("GET / HTTP/1.1\r\nA: b\0c\r\n\r\n"));
    cr_assert_not(IS_WHOLE("GET / HTTP/1.1\r\nA: b\0c\n\n"));
    cr_assert_not(IS_WHOLE("GET / HTTP/1.1\nA:\0b\n\n"));
    cr_assert_not(IS_WHOLE("GET / HTTP/1.1\nA:\0b, a field that is rather long\n\n"));
}

/* The library takes it for the empty one, and what follows for something else. */
Test(workarounds, a_nul_that_begins_a_line)
{
    cr_assert_not(IS_WHOLE("GET / HTTP/1.1\r\nA: b\r\n\0C: d\r\n"));
    cr_assert_not(IS_WHOLE("GET / HTTP/1.1\r\nA: b\r\n\0\r\n"));
    cr_assert_not(IS_WHOLE("GET / HTTP/1.1\nA: b\n\0c\n"));
    cr_assert_not(IS_WHOLE("GET / HTTP/1.1\r\n\0A: b\r\n"));
}

Test(workarounds, a_field_on_two_lines)
{
    cr_assert_not(IS_WHOLE("GET / HTTP/1.1\r\nA: b\r\n c\r\nHost: x\r\n\r\n"));
    cr_assert_not(IS_WHOLE("GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n"));
    cr_assert_not(IS_WHOLE("GET / HTTP/1.1\r\nA:\r\n\tb\r\n\r\n"));
    cr_assert_not(IS_WHOLE("GET / HTTP/1.1\nA: b\n \n\n"));
}
