/* SPDX-License-Identifier: MIT */
#include "http/workarounds.h"

#include "core/clock.h"
#include "core/strbuf.h"
#include "http/reading.h"
#include "http/respond.h"
#include "http/response.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define VERSION_LENGTH 8 /* HTTP/1.1 */
#define ANSWER_SIZE 4096

/* ---- 1. A header that is not what the client has sent */

bool http_head_applies(void)
{
    const char *version = MHD_get_version();

    return version[0] == '0' && version[1] == '.';
}

/* Bytes from the last token to this; a field that was copied is far away, on either side. */
static size_t gap(const struct http_head *head, const char *at)
{
    return (size_t)((uintptr_t)at - (uintptr_t)head->end);
}

/* CR LF, or a bare LF. */
static bool is_line_break(const struct http_head *head, const char *at)
{
    size_t length = gap(head, at);

    return length == 1 || (length == 2 && head->end[1] == '\0');
}

void http_head_begin(struct http_head *head, const char *method, const char *target,
                     const char *target_end, const char *version)
{
    const char *at = method + strlen(method) + 1;

    while (at < target && *at == ' ')
        at++;
    head->torn = at != target || version != target_end + 1;
    head->end = version + VERSION_LENGTH;
}

void http_head_field(struct http_head *head, const char *name, const char *value,
                     size_t value_length)
{
    head->torn |= !is_line_break(head, name);
    head->end = value + value_length;
}

bool http_head_ends(struct http_head *head, const char *method, size_t size)
{
    static const char nothing[4];
    size_t left = gap(head, method + size);

    /* Two line breaks. */
    return !head->torn && left >= 2 && left <= 4 && memcmp(head->end, nothing, left) == 0;
}

/* ---- 2. Parameters of the target */

void hide_parameters(const char *target)
{
    char *query = strchr((char *)(uintptr_t)target, '?');

    if (query)
        query[1] = '\0';
}

/* ---- 3. Pages of its own */

LIST_HEAD(client_list, client);
static _Thread_local struct client_list clients; /* newest first */
static _Thread_local bool any_stuck;

static struct client *find_client(int fd)
{
    struct client *client;

    LIST_FOREACH(client, &clients, link)
        if (client->entry.fd == fd)
            return client;
    return NULL;
}

/* The library calls us for the bytes in the same round, if it understands them. */
static void note_stuck(int fd)
{
    struct client *client = find_client(fd);

    if (client && client->request.stage == STAGE_BODY)
        any_stuck = client->request.stuck = true;
}

void replace_enter(struct client *client)
{
    reading_watch(note_stuck);
    LIST_INSERT_HEAD(&clients, client, link);
}

void replace_leave(struct client *client)
{
    LIST_REMOVE(client, link);
}

void replace_note_memory(struct client *client)
{
    const char *start = reading_start(client->entry.fd);

    if (start && (!client->memory || (uintptr_t)start < (uintptr_t)client->memory))
        client->memory = start;
}

/* The request that the library is refusing; NULL when unknown, or answered already. */
static struct request *find_refused(void)
{
    struct client *client = find_client(reading_current());

    return client && client->request.stage < STAGE_WAITING ? &client->request : NULL;
}

static void add_line(struct strbuf *answer, const char *name, const char *value)
{
    strbuf_puts(answer, name);
    strbuf_puts(answer, ": ");
    strbuf_puts(answer, value);
    strbuf_puts(answer, "\r\n");
}

static enum MHD_Result add_field(void *ctx, enum MHD_ValueKind kind, const char *name,
                                 const char *value)
{
    (void)kind;
    add_line(ctx, name, value);
    return MHD_YES;
}

static void add_head(struct strbuf *answer, unsigned status, struct MHD_Response *response,
                     size_t body_length)
{
    char date[64];
    time_t now = (time_t)clock_wall();
    struct tm parts;

    strbuf_puts(answer, "HTTP/1.1 ");
    strbuf_put_number(answer, status);
    strbuf_puts(answer, " ");
    strbuf_puts(answer, MHD_get_reason_phrase_for(status));
    strbuf_puts(answer, "\r\n");
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&now, &parts));
    add_line(answer, "Date", date);
    add_line(answer, "Connection", "close");
    MHD_get_response_headers(response, add_field, answer);
    strbuf_puts(answer, "Content-Length: ");
    strbuf_put_number(answer, (int64_t)body_length);
    strbuf_puts(answer, "\r\n\r\n");
}

/* Whether the answer must not have a body. The method is unknown before our handler is called, but it is
 * right before the target. */
static bool is_head(const struct request *request)
{
    static const char head[] = "HEAD"; /* the space after it has become a NUL */

    if (request->stage == STAGE_NONE)
        return false;
    if (request->stage == STAGE_BODY)
        return strcmp(request->method, head) == 0;
    return request->client->memory && request->client->memory + sizeof head <= request->url &&
           memcmp(request->url - sizeof head, head, sizeof head) == 0;
}

/* False when out of memory, or it does not fit. */
static bool write_answer(struct strbuf *answer, const struct request *request, enum problem problem,
                         const char *detail)
{
    size_t length = 0;
    char *body = response_problem_text(problem, request->about, detail, &length);

    if (!body)
        return false;
    struct MHD_Response *response = response_problem(problem, request->about, detail, NULL);
    respond_add_fields(request, &response);
    answer->failed = !response;
    if (response) {
        add_head(answer, problem_kind(problem)->status, response, length);
        strbuf_put(answer, body, is_head(request) ? 0 : length);
        MHD_destroy_response(response);
    }
    free(body);
    return !answer->failed;
}

/* Sends our answer before the library sends its page, which it cannot any more. */
static void replace_with(struct request *request, enum problem problem, const char *detail)
{
    const char *origin = MHD_lookup_connection_value(request->client->connection, MHD_HEADER_KIND,
                                                     MHD_HTTP_HEADER_ORIGIN);
    char bytes[ANSWER_SIZE];
    struct strbuf answer = strbuf_on(bytes, sizeof bytes);

    if (request->stage == STAGE_NONE) /* it is the last request yet */
        *request = (struct request){
            .client = request->client,
            .target.route = route_of_none(request->client->service->routes),
            .url = "-",
        };
    request->allow_origin = origins_allow(request->client->service->cors, origin);
    bool written = write_answer(&answer, request, problem, detail);
    if (request->stage < STAGE_BODY)
        request->method = "-"; /* unknown */
    request->early = true;
    respond_note(request, problem_kind(problem)->status);
    if (written)
        send(request->client->entry.fd, answer.text, answer.used, MSG_DONTWAIT | MSG_NOSIGNAL);
    shutdown(request->client->entry.fd, SHUT_WR);
}

static bool has_whole_header(const struct request *request)
{
    return MHD_get_connection_info(request->client->connection,
                                   MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
}

/* For people. `page` is the library's. */
static const char *explain_bad_request(const struct request *request, const char *page)
{
    if (request->stage == STAGE_NONE)
        return "malformed request line";
    if (request->stage == STAGE_BODY)
        return "malformed chunk or trailer field";
    if (!has_whole_header(request))
        return "malformed header field";
    if (strstr(page, "Host"))
        return "expected exactly one Host field, got 0";
    return "malformed Content-Length or Transfer-Encoding";
}

static void replace_page(struct request *request, unsigned status, const char *page)
{
    bool in_body = request->stage == STAGE_BODY;

    switch (status) {
    case MHD_HTTP_MOVED_PERMANENTLY: /* 1.0.1, to the same target with its spaces encoded */
    case MHD_HTTP_BAD_REQUEST:
        replace_with(request, PROBLEM_BAD_REQUEST, explain_bad_request(request, page));
        break;
    case MHD_HTTP_INTERNAL_SERVER_ERROR: /* 0.9.75, which has no room for a chunk's extension */
    case MHD_HTTP_CONTENT_TOO_LARGE:
        replace_with(request, PROBLEM_BODY_TOO_LARGE,
                     in_body ? "chunk or chunk extension too large"
                             : "Content-Length exceeds 64 bits");
        break;
    case MHD_HTTP_URI_TOO_LONG:
        replace_with(request, PROBLEM_URI_TOO_LONG, "request line too long");
        break;
    case MHD_HTTP_NOT_IMPLEMENTED: /* 1.0.1: the method is what is long */
    case MHD_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE:
        replace_with(request, PROBLEM_HEADERS_TOO_LARGE,
                     in_body ? "trailer fields too large" : "header fields or cookies too large");
        break;
    case MHD_HTTP_HTTP_VERSION_NOT_SUPPORTED:
        replace_with(request, PROBLEM_VERSION, "expected version 1.1 or 1.0");
        break;
    default: /* there are no others; the page will do */
        break;
    }
}

/* 1.0.1 closes the connection without a page if it doubts that the client speaks HTTP. */
static void replace_silence(struct request *request, const char *reason)
{
    static const char no_room[] = "No space left";

    if (request->stage == STAGE_NONE)
        replace_page(request,
                     strncmp(reason, no_room, sizeof no_room - 1) == 0 ? MHD_HTTP_URI_TOO_LONG
                                                                       : MHD_HTTP_BAD_REQUEST,
                     "");
}

/* It also logs clients that disconnect, and other things that need no action. */
void replace_on_log(void *ctx, const char *format, va_list args)
{
    static const char page[] = "Error processing request (HTTP response code is %u ('%s')).";
    bool is_page = strncmp(format, page, sizeof page - 1) == 0;

    (void)ctx;
    if (!is_page && strcmp(format, "%s\n") != 0)
        return;
    struct request *request = find_refused();
    if (!request)
        return;
    if (is_page) {
        unsigned status = va_arg(args, unsigned);
        replace_page(request, status, va_arg(args, const char *));
    } else {
        replace_silence(request, va_arg(args, const char *));
    }
}

/* ---- 4. Clients that still send */

void linger(struct request *request)
{
    const struct http_service *service = request->client->service;
    int fd = request->early ? fcntl(request->client->entry.fd, F_DUPFD_CLOEXEC, 0) : -1;

    if (fd >= 0)
        service->linger(service->linger_ctx, fd);
    request->early = false;
}

/* ---- 5. Clients that have closed their sending side */

static void set_timeout(const struct request *request, unsigned seconds)
{
    MHD_set_connection_option(request->client->connection, MHD_CONNECTION_OPTION_TIMEOUT, seconds);
}

void suspend_connection(const struct request *request)
{
    set_timeout(request, request->client->service->idle_timeout + 1); /* 1.0.1 ignores it later */
    MHD_suspend_connection(request->client->connection);
}

void connection_has_resumed(const struct request *request)
{
    set_timeout(request, request->client->service->idle_timeout);
}

/* ---- 6. Chunk extensions that fill the memory */

#define DRAIN_MAX (256 * 1024) /* bytes */

/* Not SHUT_WR only: the library closes the connection when both sides are shut. It resets it if there are
 * bytes left, which could cost the client the answer. */
static void shut_both_sides(int fd)
{
    for (size_t drained = 0; drained < DRAIN_MAX;) {
        ssize_t got = recvfrom(fd, NULL, DRAIN_MAX, MSG_TRUNC | MSG_DONTWAIT, NULL, NULL);
        if (got <= 0)
            break;
        drained += (size_t)got;
    }
    shutdown(fd, SHUT_RDWR);
}

void refuse_stuck(void *ctx)
{
    struct client *client;

    (void)ctx;
    if (!any_stuck)
        return;
    any_stuck = false;
    LIST_FOREACH(client, &clients, link) {
        struct request *request = &client->request;
        if (request->stuck && request->stage == STAGE_BODY) {
            replace_page(request, MHD_HTTP_CONTENT_TOO_LARGE, "");
            shut_both_sides(client->entry.fd);
        }
        request->stuck = false;
    }
}
