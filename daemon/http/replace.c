/* SPDX-License-Identifier: MIT */
#include "http/replace.h"

#include "core/clock.h"
#include "http/cors.h"
#include "http/head.h"
#include "http/respond.h"
#include "http/response.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define ANSWER_SIZE 4096

/* An answer as it is put together. */
struct text {
    char bytes[ANSWER_SIZE];
    size_t length; /* ANSWER_SIZE: it had no room */
};

static _Thread_local struct client *newest; /* of this thread's */
static _Thread_local struct client *expected;

void replace_enter(struct client *client)
{
    client->newer = NULL;
    client->older = newest;
    if (newest)
        newest->newer = client;
    newest = client;
}

void replace_leave(struct client *client)
{
    if (client->older)
        client->older->newer = client->newer;
    if (client->newer)
        client->newer->older = client->older;
    else
        newest = client->older;
    if (expected == client)
        expected = NULL;
}

void replace_expect(struct client *client)
{
    expected = client;
}

/* ---- Whose request it is */

static bool is_refused(const struct client *client)
{
    return client->request.stage == STAGE_HEAD &&
           MHD_get_connection_info(client->connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE) &&
           !MHD_get_connection_info(client->connection, MHD_CONNECTION_INFO_HTTP_STATUS);
}

static struct client *find_refused(void)
{
    if (expected && is_refused(expected))
        return expected;
    for (struct client *client = newest; client; client = client->older)
        if (is_refused(client))
            return client;
    return NULL; /* it does not even have a whole header */
}

/* ---- The answer */

static void add_bytes(struct text *text, const char *bytes, size_t length)
{
    if (length >= ANSWER_SIZE - text->length) {
        text->length = ANSWER_SIZE;
        return;
    }
    memcpy(text->bytes + text->length, bytes, length);
    text->length += length;
}

static void add_line(struct text *text, const char *name, const char *value)
{
    add_bytes(text, name, strlen(name));
    add_bytes(text, ": ", 2);
    add_bytes(text, value, strlen(value));
    add_bytes(text, "\r\n", 2);
}

static enum MHD_Result add_field(void *ctx, enum MHD_ValueKind kind, const char *name,
                                 const char *value)
{
    (void)kind;
    add_line(ctx, name, value);
    return MHD_YES;
}

static void add_head(struct text *text, unsigned status, struct MHD_Response *response,
                     size_t body_length)
{
    char line[64], date[64], length[24];
    time_t now = (time_t)clock_wall();
    struct tm parts;

    snprintf(line, sizeof line, "HTTP/1.1 %u %s\r\n", status, MHD_get_reason_phrase_for(status));
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&now, &parts));
    snprintf(length, sizeof length, "%zu", body_length);
    add_bytes(text, line, strlen(line));
    add_line(text, "Date", date);
    add_line(text, "Connection", "close");
    MHD_get_response_headers(response, add_field, text);
    add_line(text, "Content-Length", length);
    add_bytes(text, "\r\n", 2);
}

static enum MHD_Result see_length(void *ctx, enum MHD_ValueKind kind, const char *name,
                                  size_t name_length, const char *value, size_t value_length)
{
    (void)kind, (void)name_length;
    http_head_field(ctx, name, value, value_length);
    return MHD_YES;
}

/* Whether the answer must have no body. Nothing tells the method before our handler is called, but
 * that of a header with the usual ends of lines has this length, and is before the target. */
static bool is_head(const struct request *request)
{
    static const char method[] = "HEAD";
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(
        request->client->connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    struct http_head head;
    bool is = http_head_applies();

    http_head_resume(&head, request->url_end);
    MHD_get_connection_values_n(request->client->connection, MHD_HEADER_KIND, see_length, &head);
    is = is && http_head_before(&head, request->url, info->header_size) == sizeof method;
    for (size_t i = 1; is && i <= sizeof method;
         i++) /* backwards: it may be shorter all the same */
        is = request->url[-(ptrdiff_t)i] == method[sizeof method - i];
    return is;
}

/* False when there is no memory, or no room. */
static bool write_answer(struct text *text, const struct request *request, enum problem problem,
                         const char *detail)
{
    size_t length = 0;
    char *body = response_problem_text(problem, request->about, detail, &length);

    if (!body)
        return false;
    struct MHD_Response *response = response_problem(problem, request->about, detail, NULL);
    cors_add_fields(request, &response);
    text->length = response ? 0 : ANSWER_SIZE;
    if (response) {
        add_head(text, problem_kind(problem)->status, response, length);
        add_bytes(text, body, is_head(request) ? 0 : length);
        MHD_destroy_response(response);
    }
    free(body);
    return text->length < ANSWER_SIZE;
}

static void replace_page(struct request *request, enum problem problem, const char *detail)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(request->client->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    const char *origin = MHD_lookup_connection_value(request->client->connection, MHD_HEADER_KIND,
                                                     MHD_HTTP_HEADER_ORIGIN);
    struct text text;

    request->method = "-"; /* which nothing tells */
    request->allow_origin = origins_allow(request->client->service->cors, origin);
    request->early = true;
    respond_note(request, problem_kind(problem)->status);
    if (write_answer(&text, request, problem, detail))
        send(info->connect_fd, text.bytes, text.length, MSG_DONTWAIT | MSG_NOSIGNAL);
    shutdown(info->connect_fd, SHUT_WR);
}

void replace_on_log(void *ctx, const char *format, va_list args)
{
    static const char refusal[] = "Error processing request (HTTP response code is %u";

    (void)ctx;
    /* It logs each client that goes away, too: nothing to act on. */
    if (strncmp(format, refusal, sizeof refusal - 1) != 0)
        return;
    unsigned status = va_arg(args, unsigned);
    struct client *client = find_refused();
    if (!client)
        return;
    if (status == MHD_HTTP_BAD_REQUEST)
        replace_page(&client->request, PROBLEM_BAD_REQUEST,
                     "Content-Length or Transfer-Encoding is malformed");
    else if (status == MHD_HTTP_CONTENT_TOO_LARGE)
        replace_page(&client->request, PROBLEM_BODY_TOO_LARGE,
                     "Content-Length has more than 64 bits");
    else if (status == MHD_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE)
        replace_page(&client->request, PROBLEM_HEADERS_TOO_LARGE,
                     "more cookies, or larger ones, than there is room for");
}
