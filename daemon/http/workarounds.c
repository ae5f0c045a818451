/* SPDX-License-Identifier: MIT */
#include "http/workarounds.h"

#include "http/clients.h"
#include "http/direct_answer.h"
#include "http/reading.h"
#include "net/discard.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

#define VERSION_LENGTH 8 /* HTTP/1.1 */

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

static _Thread_local bool any_stuck;

void replace_note_memory(struct client *client)
{
    const char *start = reading_start(client->entry.fd);

    if (start && (!client->memory || (uintptr_t)start < (uintptr_t)client->memory))
        client->memory = start;
}

/* The request that the library is working on; NULL when unknown. */
static struct request *find_refused(void)
{
    struct client *client = clients_find(reading_current());

    return client ? &client->request : NULL;
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
        direct_answer(request, PROBLEM_BAD_REQUEST, explain_bad_request(request, page));
        break;
    case MHD_HTTP_INTERNAL_SERVER_ERROR: /* 0.9.75, which has no room for a chunk's extension */
    case MHD_HTTP_CONTENT_TOO_LARGE:
        direct_answer(request, PROBLEM_BODY_TOO_LARGE,
                      in_body ? "chunk or chunk extension too large"
                              : "Content-Length exceeds 64 bits");
        break;
    case MHD_HTTP_URI_TOO_LONG:
        direct_answer(request, PROBLEM_URI_TOO_LONG, "request line too long");
        break;
    case MHD_HTTP_NOT_IMPLEMENTED: /* 1.0.1: the method is what is long */
    case MHD_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE:
        direct_answer(request, PROBLEM_HEADERS_TOO_LARGE,
                      in_body ? "trailer fields too large" : "header fields or cookies too large");
        break;
    case MHD_HTTP_HTTP_VERSION_NOT_SUPPORTED:
        direct_answer(request, PROBLEM_VERSION, "expected version 1.1 or 1.0");
        break;
    default: /* there are no others; the page will do */
        break;
    }
}

static bool log_begins_with(const char *text, const char *beginning)
{
    return strncmp(text, beginning, strlen(beginning)) == 0;
}

/* 1.0.1 closes the connection without a page if it doubts that the client speaks HTTP. 0.9.75 does so if a
 * request's header leaves no room for that of the response that we have queued; such a request is counted
 * twice. */
static void replace_silence(struct request *request, const char *reason)
{
    if (request->stage == STAGE_NONE)
        replace_page(request,
                     log_begins_with(reason, "No space left") ? MHD_HTTP_URI_TOO_LONG
                                                              : MHD_HTTP_BAD_REQUEST,
                     "");
    else if (request->stage == STAGE_DONE &&
             log_begins_with(reason, "Closing connection (failed to create response header)"))
        replace_page(request, MHD_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE, "");
}

/* It also logs clients that disconnect, and other things that need no action. */
void replace_on_log(void *ctx, const char *format, va_list args)
{
    static const char page[] = "Error processing request (HTTP response code is %u ('%s')).";
    bool is_page = log_begins_with(format, page);

    (void)ctx;
    if (!is_page && strcmp(format, "%s\n") != 0)
        return;
    struct request *request = find_refused();
    if (!request)
        return;
    if (is_page && request->stage < STAGE_WAITING) {
        unsigned status = va_arg(args, unsigned);
        replace_page(request, status, va_arg(args, const char *));
    } else if (!is_page) {
        replace_silence(request, va_arg(args, const char *));
    }
}

/* ---- 4. Clients that still send */

void linger(struct request *request)
{
    const struct http_service *service = request->client->service;
    int fd = request->early ? fcntl(request->client->entry.fd, F_DUPFD_CLOEXEC, 0) : -1;

    if (fd >= 0)
        service->linger(service->linger_ctx, fd, client_peer(request->client));
    request->early = false;
}

/* ---- 5. Clients that have closed their sending side */

static void set_timeout(const struct request *request, unsigned seconds)
{
    MHD_set_connection_option(request->client->connection, MHD_CONNECTION_OPTION_TIMEOUT, seconds);
}

void suspend_connection(const struct request *request)
{
    set_timeout(request,
                request->client->service->library_timeout + 1); /* 1.0.1 ignores it later */
    http_worker_suspend(request->client->worker, request->client->connection);
}

void connection_has_resumed(const struct request *request)
{
    set_timeout(request, request->client->service->library_timeout);
}

/* ---- 6. Chunk extensions that fill the memory */

void note_filled(struct client *client)
{
    if (client->request.stage == STAGE_BODY)
        any_stuck = client->request.stuck = true;
}

void refuse_stuck(void *ctx)
{
    struct client *client;

    (void)ctx;
    if (!any_stuck)
        return;
    any_stuck = false;
    for (client = clients_first(); client; client = LIST_NEXT(client, link)) {
        struct request *request = &client->request;
        if (request->stuck && request->stage == STAGE_BODY) {
            replace_page(request, MHD_HTTP_CONTENT_TOO_LARGE, "");
            discard_and_shut(client->entry.fd); /* shut one way only, it would be left open */
        }
        request->stuck = false;
    }
}
