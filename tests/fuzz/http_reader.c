/* SPDX-License-Identifier: MIT */
#include "http_reader.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define HEAD_LONGEST 8192

static const char *why = "";

const char *http_reader_why(void)
{
    return why;
}

static enum http_reading wrong(const char *reason)
{
    why = reason;
    return HTTP_READ_WRONG;
}

/* Those of the contract. */
static bool is_status(unsigned status)
{
    static const unsigned all[] = {200, 204, 304, 400, 404, 405, 408, 413, 414,
                                   415, 421, 431, 500, 502, 503, 504, 505};

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (all[i] == status)
            return true;
    return false;
}

struct head {
    unsigned lengths, types, dates, connections;
    size_t body_length;
    const char *type; /* ends with CR */
    bool closes;
};

static bool is_name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
}

static bool is_number(const char *text, const char *end)
{
    size_t length = (size_t)(end - text);

    return length > 0 && length < 10 && strspn(text, "0123456789") == length;
}

/* One line, of printable ASCII, `end` at its CR. */
static bool read_field(const char *line, const char *end, struct head *head)
{
    const char *name_end = line;

    while (name_end < end && is_name_byte(*name_end))
        name_end++;
    size_t length = (size_t)(name_end - line);
    if (length == 0 || end - name_end < 2 || name_end[0] != ':' || name_end[1] != ' ')
        return false;
    const char *value = name_end + 2;
    for (const char *c = value; c < end; c++)
        if (*c < ' ' || *c > '~')
            return false;
    if (length == 14 && strncasecmp(line, "Content-Length", length) == 0) {
        head->lengths++;
        head->body_length = strtoul(value, NULL, 10);
        return is_number(value, end);
    }
    if (length == 12 && strncasecmp(line, "Content-Type", length) == 0) {
        head->types++;
        head->type = value;
    }
    if (length == 10 && strncasecmp(line, "Connection", length) == 0) {
        head->connections++;
        head->closes = end - value == 5 && strncasecmp(value, "close", 5) == 0;
    }
    head->dates += length == 4 && strncasecmp(line, "Date", length) == 0;
    /* No coding of ours is asked for, so no body is of any other form. */
    return !(length == 17 && strncasecmp(line, "Transfer-Encoding", length) == 0) &&
           !(length == 16 && strncasecmp(line, "Content-Encoding", length) == 0);
}

/* `end` is behind the empty line. */
static enum http_reading read_head(const char *text, const char *end,
                                   struct http_response *response, struct head *head)
{
    if (end - text < 15 || memcmp(text, "HTTP/1.1 ", 9) != 0 || !is_number(text + 9, text + 12) ||
        text[12] != ' ')
        return wrong("the status line is none");
    response->status = (unsigned)strtoul(text + 9, NULL, 10);
    const char *line = memchr(text, '\n', (size_t)(end - text));
    while (*++line != '\r') {
        const char *cr = memchr(line, '\r', (size_t)(end - line));
        if (cr[1] != '\n' || !read_field(line, cr, head))
            return wrong("a header field is none");
        line = cr + 1;
    }
    return HTTP_READ;
}

static bool has_type(const struct head *head, const char *type)
{
    size_t length = strlen(type);

    return head->type && strncmp(head->type, type, length) == 0 && head->type[length] == '\r';
}

/* What the head says of the body. */
static enum http_reading read_kind(const struct head *head, struct http_response *response)
{
    unsigned status = response->status;
    bool without = status == 204 || status == 304;

    if (!is_status(status) || (status == 500 && head->type)) /* never one of ours */
        return wrong("no such status");
    if (head->dates != 1 || head->connections > 1 || head->types > 1 || head->lengths > 1)
        return wrong("a field is missing, or there twice");
    if (head->lengths == 0 && !without)
        return wrong("it does not say how long it is");
    response->closes = head->closes;
    response->json = has_type(head, status < 400 ? "application/json" : "application/problem+json");
    response->lines = status == 200 && has_type(head, "application/x-ndjson");
    if (!response->json && !response->lines && head->type &&
        !has_type(head, "text/plain; version=0.0.4; charset=utf-8"))
        return wrong("no such type");
    if (status == 204 && head->type)
        return wrong("a type, and no body");
    return HTTP_READ;
}

size_t http_reader_interims(const char *text, size_t length)
{
    static const char interim[] = "HTTP/1.1 100 Continue\r\n\r\n";
    const size_t size = sizeof interim - 1;
    size_t at = 0;

    while (length - at >= size && memcmp(text + at, interim, size) == 0)
        at += size;
    return at;
}

enum http_reading http_reader_next(const char *text, size_t length, bool bodyless,
                                   struct http_response *response)
{
    struct head head = {0};

    *response = (struct http_response){.start = text};
    size_t interims = http_reader_interims(text, length);
    text += interims;
    length -= interims;
    const char *end = memmem(text, length, "\r\n\r\n", 4);
    if (!end)
        return length > HEAD_LONGEST ? wrong("the head does not end") : HTTP_READ_MORE;
    end += 4;
    enum http_reading reading = read_head(text, end, response, &head);
    if (reading == HTTP_READ)
        reading = read_kind(&head, response);
    if (reading != HTTP_READ)
        return reading;
    response->body = end;
    if (!bodyless && response->status != 204 && response->status != 304)
        response->body_length = head.body_length;
    bool page = head.body_length > 0 && !head.type; /* which HEAD is told of, too */
    response->page = page && response->body_length > 0;
    if ((size_t)(text + length - response->body) < response->body_length)
        return HTTP_READ_MORE;
    response->length = (size_t)(response->body - response->start) + response->body_length;
    return HTTP_READ;
}
