/* SPDX-License-Identifier: MIT */
#include "http_plain.h"

#include <string.h>
#include <strings.h>

#define TARGET_LONGEST 2000
#define FIELDS_LONGEST 4000
#define BODY_LONGEST 99999

static const char token[] = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
                            "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/* Of a host as it usually is; that with any others may be refused. */
static const char host[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:[]";

struct text {
    const char *at, *end;
};

static size_t left(const struct text *text)
{
    return (size_t)(text->end - text->at);
}

static bool take(struct text *text, const char *what)
{
    size_t length = strlen(what);

    if (left(text) < length || memcmp(text->at, what, length) != 0)
        return false;
    text->at += length;
    return true;
}

/* How many of the bytes ahead are one of `set`. */
static size_t span(const struct text *text, const char *set)
{
    size_t length = 0;

    while (length < left(text) && text->at[length] && strchr(set, text->at[length]))
        length++;
    return length;
}

static bool read_line(struct text *text, struct http_plain *plain)
{
    static const char *const methods[] = {"GET ", "HEAD ", "POST ", "OPTIONS ", "PUT ", "DELETE "};
    const char *start = text->at;
    bool known = false;

    for (size_t i = 0; i < sizeof methods / sizeof methods[0] && !known; i++)
        known = take(text, methods[i]);
    if (!known || left(text) == 0 || *text->at != '/')
        return false;
    plain->get = *start == 'G';
    plain->head = *start == 'H';
    plain->target = text->at;
    while (left(text) > 0 && *text->at > ' ' && *text->at <= '~')
        text->at++;
    plain->target_length = (size_t)(text->at - plain->target);
    return plain->target_length <= TARGET_LONGEST && take(text, " HTTP/1.1\r\n");
}

static bool is(const char *name, size_t length, const char *other)
{
    return length == strlen(other) && strncasecmp(name, other, length) == 0;
}

/* The daemon refuses fields whose names are those of framing and something more. */
static bool extends(const char *name, size_t length, const char *other)
{
    return length > strlen(other) && strncasecmp(name, other, strlen(other)) == 0;
}

struct fields {
    unsigned hosts, lengths;
    size_t body;
};

/* "name: value" CRLF. */
static bool read_field(struct text *text, struct fields *fields)
{
    const char *name = text->at;
    size_t length = span(text, token);

    text->at += length;
    if (length == 0 || !take(text, ": "))
        return false;
    const char *value = text->at;
    while (left(text) > 0 && (*text->at == '\t' || (*text->at >= ' ' && *text->at <= '~')))
        text->at++;
    size_t size = (size_t)(text->at - value);
    if (is(name, length, "Transfer-Encoding") || is(name, length, "Connection") ||
        is(name, length, "Expect") || is(name, length, "Upgrade") ||
        extends(name, length, "Transfer-Encoding") || extends(name, length, "Content-Length"))
        return false;
    if (is(name, length, "Host")) {
        fields->hosts++;
        if (span(&(struct text){value, text->at}, host) < size)
            return false;
    }
    if (is(name, length, "Content-Length")) {
        fields->lengths++;
        if (size == 0 || size > 5)
            return false;
        for (size_t i = 0; i < size; i++) {
            if (value[i] < '0' || value[i] > '9')
                return false;
            fields->body = fields->body * 10 + (size_t)(value[i] - '0');
        }
    }
    return take(text, "\r\n");
}

static void read_target(struct http_plain *plain)
{
    static const char route[] = "/host/";
    const size_t front = sizeof route - 1;
    const char *question = memchr(plain->target, '?', plain->target_length);
    size_t length = question ? (size_t)(question - plain->target) : plain->target_length;

    plain->host = length > front && memcmp(plain->target, route, front) == 0 &&
                  p0f_addr_parse(plain->target + front, length - front, &plain->addr) == P0F_OK;
}

static bool has_many_pieces(const char *text, size_t length)
{
    unsigned pieces = 0;

    for (size_t i = 0; i < length; i++)
        pieces += text[i] == '\n' || text[i] == '&' || text[i] == ';';
    return pieces >= HTTP_PLAIN_PIECES;
}

bool http_plain_read(const char *text, size_t length, struct http_plain *plain)
{
    struct text rest = {text, text + length};
    struct fields fields = {0};

    *plain = (struct http_plain){0};
    if (!read_line(&rest, plain))
        return false;
    const char *start = rest.at;
    while (!take(&rest, "\r\n"))
        if (!read_field(&rest, &fields))
            return false;
    if (fields.hosts != 1 || fields.lengths > 1 || fields.body > BODY_LONGEST ||
        rest.at - start > FIELDS_LONGEST || left(&rest) < fields.body ||
        has_many_pieces(text, (size_t)(rest.at - text)))
        return false;
    plain->length = (size_t)(rest.at - text) + fields.body;
    read_target(plain);
    return true;
}
