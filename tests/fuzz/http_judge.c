/* SPDX-License-Identifier: MIT */
#include "http_judge.h"

#include "holds.h"
#include "http_p0f.h"
#include "http_reader.h"

#include <jansson.h>
#include <string.h>
#include <strings.h>

void http_judge_read(struct http_judge *judge, const char *sent, size_t length)
{
    size_t at = 0;

    judge->sent = sent;
    judge->length = length;
    judge->plain_count = 0;
    while (judge->plain_count < HTTP_JUDGE_PLAIN &&
           http_plain_read(sent + at, length - at, &judge->plain[judge->plain_count]))
        at += judge->plain[judge->plain_count++].length;
    judge->all_plain = at == length;
}

bool http_judge_is_content(const struct http_judge *judge, const char *received, size_t length)
{
    struct http_response response;
    size_t at = 0;

    if (!judge->all_plain)
        return false;
    for (unsigned i = 0; i < judge->plain_count; i++) {
        if (http_reader_next(received + at, length - at, judge->plain[i].head, &response) !=
            HTTP_READ)
            return false;
        if (response.closes) /* the end must follow */
            return false;
        at += response.length;
    }
    return at == length;
}

/* ---- Hosts */

/* Of a number, or null. */
static bool is_within(const json_t *value, json_int_t least, json_int_t most)
{
    return json_is_null(value) ||
           (json_integer_value(value) >= least && json_integer_value(value) <= most);
}

/* `host` has an ip, and all else that is known, or is a problem's. */
static void check_host(const char *ip, const json_t *host)
{
    const json_t *total = json_object_get(host, "total_conn");
    struct p0f_addr addr;
    char text[P0F_ADDR_TEXT_SIZE];

    HOLDS(p0f_addr_parse(ip, strlen(ip), &addr) == P0F_OK);
    p0f_addr_format(&addr, text);
    HOLDS(strcmp(text, ip) == 0);
    if (!total)
        return;
    HOLDS(http_p0f_knows(&addr));
    HOLDS(json_integer_value(total) == http_p0f_total(&addr));
    if (json_object_get(host, "magic")) /* as p0f said it */
        return;
    HOLDS(is_within(json_object_get(host, "bad_sw"), 1, 2));
    HOLDS(is_within(json_object_get(host, "os_match_q"), 0, 3));
}

/* Wherever in it a host is told of, it is that one. */
static void check_hosts(const json_t *json)
{
    const char *key;
    const json_t *value;
    size_t i;

    if (json_is_string(json_object_get(json, "ip"))) /* a schema has one too */
        check_host(json_string_value(json_object_get(json, "ip")), json);
    json_object_foreach((json_t *)(uintptr_t)json, key, value) check_hosts(value);
    json_array_foreach(json, i, value) check_hosts(value);
}

/* ---- One response */

static void show(const char *what, const char *text, size_t length)
{
    fprintf(stderr, "---- %s\n", what);
    fwrite(text, 1, length < 4000 ? length : 4000, stderr);
    fprintf(stderr, "\n----\n");
}

/* Each is an object. */
static void check_lines(const char *line, const char *end)
{
    while (line < end) {
        const char *next = memchr(line, '\n', (size_t)(end - line));
        HOLDS(next);
        json_t *json = json_loadb(line, (size_t)(next - line), JSON_REJECT_DUPLICATES, NULL);
        HOLDS(json_is_object(json));
        check_hosts(json);
        json_decref(json);
        line = next + 1;
    }
}

static void check_body(const struct http_response *response)
{
    if (response->page) /* libmicrohttpd's own: ours goes in its place */
        show("a page", response->start, response->length);
    HOLDS(!response->page);
    HOLDS(response->json || response->status == 200); /* the metrics */
    HOLDS(response->body[response->body_length - 1] == '\n');
    if (response->lines)
        check_lines(response->body, response->body + response->body_length);
    if (!response->json)
        return;
    json_t *json = json_loadb(response->body, response->body_length, JSON_REJECT_DUPLICATES, NULL);
    HOLDS(json);
    if (response->status >= 400)
        HOLDS(json_integer_value(json_object_get(json, "status")) == response->status &&
              json_string_length(json_object_get(json, "title")) > 0 &&
              json_string_length(json_object_get(json, "detail")) > 0);
    if (!json_object_get(json, "openapi")) /* whose hosts are examples */
        check_hosts(json);
    json_decref(json);
}

/* The request left nothing open, so much can be said of the answer. */
static void check_plain(const struct http_plain *plain, const struct http_response *response)
{
    char expected[P0F_ADDR_TEXT_SIZE + 16], text[P0F_ADDR_TEXT_SIZE];

    if ((plain->get || plain->head) && plain->target_length == 6 &&
        memcmp(plain->target, "/livez", 6) == 0)
        HOLDS(response->status == 200);
    if (!plain->host || !(plain->get || plain->head))
        return;
    bool known = http_p0f_knows(&plain->addr);
    HOLDS(response->status != 404 || !known);
    HOLDS(response->status != 200 || known);
    HOLDS(response->status != 405 && response->status != 415);
    p0f_addr_format(&plain->addr, text);
    snprintf(expected, sizeof expected, "\"ip\":\"%s\"", text);
    if (response->body_length > 0)
        HOLDS(memmem(response->body, response->body_length, expected, strlen(expected)));
}

/* ---- All of them */

static bool is_boundary(const char *at, const char *end)
{
    return at == end || ((size_t)(end - at) >= 9 && memcmp(at, "HTTP/1.1 ", 9) == 0);
}

/* The next response to who knows what: HEAD, perhaps. No body of ours begins like a head, so where the
 * next head follows at once there is none, even if that one is as long as the body would be. */
static enum http_reading read_any(const struct http_judge *judge, const char *at, const char *end,
                                  struct http_response *response)
{
    size_t length = (size_t)(end - at);

    if (memmem(judge->sent, judge->length, "HEAD", 4) &&
        http_reader_next(at, length, true, response) == HTTP_READ &&
        is_boundary(at + response->length, end))
        return HTTP_READ;
    return http_reader_next(at, length, false, response);
}

/* A request has at least a line that ends, or is too long to. */
static unsigned most_responses(const struct http_judge *judge)
{
    unsigned count = 1;

    for (size_t i = 0; i < judge->length; i++)
        count += judge->sent[i] == '\n' || judge->sent[i] == '\r';
    return count;
}

void http_judge(const struct http_judge *judge, const char *received, size_t length, bool whole,
                bool due)
{
    const char *at = received, *end = received + length;
    enum http_reading reading = HTTP_READ;
    bool closes = false;
    unsigned count = 0;

    while (at < end) {
        const struct http_plain *plain = count < judge->plain_count ? &judge->plain[count] : NULL;
        struct http_response response;
        /* The client was told to go on, and did not. */
        if (!plain && !closes && http_reader_interims(at, (size_t)(end - at)) == (size_t)(end - at))
            break;
        if (plain)
            reading = http_reader_next(at, (size_t)(end - at), plain->head, &response);
        else
            reading = read_any(judge, at, end, &response);
        if (reading == HTTP_READ_MORE && !whole)
            return;
        if (reading != HTTP_READ || closes) {
            show("sent", judge->sent, judge->length);
            show(reading == HTTP_READ_WRONG ? http_reader_why()
                                            : "cut short, or more than the last",
                 at, (size_t)(end - at));
        }
        HOLDS(reading == HTTP_READ);
        HOLDS(!closes);
        if (response.body_length > 0)
            check_body(&response);
        if (plain)
            check_plain(plain, &response);
        closes = response.closes;
        at += response.length;
        count++;
    }
    HOLDS(count <= most_responses(judge));
    if (due && !closes && count < judge->plain_count) {
        show("sent", judge->sent, judge->length);
        show("which was answered by", received, length);
    }
    HOLDS(!due || closes || count >= judge->plain_count);
}
