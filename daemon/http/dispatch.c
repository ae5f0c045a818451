/* SPDX-License-Identifier: MIT */
#include "http/dispatch.h"

#include "http/access.h"
#include "http/denied.h"
#include "http/direct_answer.h"
#include "http/misdirected.h"
#include "http/options.h"
#include "http/reading.h"
#include "http/respond.h"
#include "http/suspend.h"
#include "http/workarounds.h"

#include <stdio.h>
#include <string.h>

#define HEADERS_MAX (8 * 1024) /* bytes of header fields */
#define BODY_TOO_LARGE "the body exceeds %zu bytes"

/* ---- The body */

static bool has_method(const struct request *request, const char *method)
{
    return strcmp(request->method, method) == 0;
}

static bool takes_body(const struct request *request)
{
    return request->target.route->post_take && has_method(request, "POST");
}

static enum MHD_Result on_body(struct request *request, const char *bytes, size_t length)
{
    size_t max = request->client->service->batch_bytes;
    char detail[64];

    if (length == 0) /* also where no body is taken, see http_on_request() */
        return MHD_YES;
    request->body_bytes += length;
    if (request->body_bytes > max) {
        /* It is chunked; the library takes no answer before its end. */
        snprintf(detail, sizeof detail, BODY_TOO_LARGE, max);
        direct_answer(request, PROBLEM_BODY_TOO_LARGE, detail);
        return MHD_NO;
    }
    request->target.route->post_take(request, bytes, length);
    return MHD_YES;
}

/* ---- The header */

/* While the header fields are examined. */
struct walk {
    struct fields *fields;
    struct http_head head;
};

static enum MHD_Result on_field(void *ctx, enum MHD_ValueKind kind, const char *name,
                                size_t name_length, const char *value, size_t value_length)
{
    struct walk *walk = ctx;

    (void)kind;
    http_head_field(&walk->head, name, value, value_length);
    fields_add(walk->fields, name, name_length, value, value_length);
    return MHD_YES;
}

/* Returns whether the header is what the client has sent. */
static bool read_fields(struct request *request, const char *version)
{
    struct MHD_Connection *connection = request->client->connection;
    struct walk walk = {.fields = &request->fields};

    http_head_begin(&walk.head, request->method, request->url, request->url_end, version);
    MHD_get_connection_values_n(connection, MHD_HEADER_KIND, on_field, &walk);
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    return !info || !http_head_applies() ||
           http_head_ends(&walk.head, request->method, info->header_size);
}

/* What is wrong with the header, for people, or NULL. */
static const char *find_fault(const struct request *request, const char *version)
{
    if (fields_are_ambiguous(&request->fields, version))
        return "ambiguous message body length";
    if (request->fields.bad_name)
        return "invalid character in a field name";
    if (request->target.error == TARGET_MALFORMED)
        return "malformed request target; expected a path, http://host/path or *";
    if (request->fields.bad_host)
        return "invalid character in Host";
    return NULL;
}

/* ---- The answer */

static enum MHD_Result serve_method(struct request *request)
{
    const struct route *route = request->target.route;

    if (route->any)
        return route->any(request);
    if (has_method(request, "OPTIONS"))
        return serve_options(request);
    if (route->post && has_method(request, "POST"))
        return route->post(request);
    if (route->get && (has_method(request, "GET") || has_method(request, "HEAD")))
        return request->target.error == TARGET_OK ? route->get(request)
                                                  : respond_bad_target(request);
    return respond_method_not_allowed(request);
}

/* Browsers send no token in a preflight. That of a visitor, passed on by a proxy, is not meant for us. */
static bool is_allowed_preflight(const struct request *request)
{
    return request->fields.preflight && request->allow_origin && has_method(request, "OPTIONS") &&
           !request->target.route->any;
}

static enum MHD_Result serve_request(struct request *request)
{
    if (is_misdirected(request))
        return respond_misdirected(request);
    if (request->access != ACCESS_GRANTED)
        return is_allowed_preflight(request) ? serve_options(request) : respond_denied(request);
    if (request->target.error == TARGET_TOO_LONG)
        return respond_problem(request, PROBLEM_URI_TOO_LONG, NULL,
                               "the request target exceeds %d bytes", TARGET_MAX);
    if (request->fields.bytes > HEADERS_MAX && !request->target.route->proxied)
        return respond_problem(request, PROBLEM_HEADERS_TOO_LARGE, NULL,
                               "the header fields exceed %d bytes", HEADERS_MAX);
    return serve_method(request);
}

/* ---- The end of the header */

/* A path that takes no body does not wait for one, which may never come: nginx's auth_request keeps the visitor's
 * Content-Length, but does not send the body. */
static enum MHD_Result begin_body(struct request *request)
{
    if (!takes_body(request)) {
        if (request->early) {
            connections_arrived(&request->client->entry);
            return serve_request(request);
        }
        return MHD_YES; /* answering now would close the connection */
    }
    if (request->access != ACCESS_GRANTED)
        return respond_denied(request);
    if (request->fields.content_length > request->client->service->batch_bytes)
        return respond_problem(request, PROBLEM_BODY_TOO_LARGE, NULL, BODY_TOO_LARGE,
                               request->client->service->batch_bytes);
    request->early = false;
    return request->target.route->post_begin(request) ? MHD_YES : MHD_NO;
}

static enum MHD_Result on_head(struct request *request, const char *url, const char *method,
                               const char *version)
{
    const struct fields *fields = &request->fields;

    request->stage = STAGE_BODY;
    request->method = method;
    bool whole = read_fields(request, version);
    if (fields->out_of_memory)
        return MHD_NO;
    request->url = url;
    request->allow_origin = origins_allow(request->client->service->cors, fields->origin);
    request->early = fields_announce_body(fields) || !whole;
    /* Whatever is answered before the body is read makes libmicrohttpd close the connection. That is right,
     * as it is unclear where the next request would begin. */
    if (!whole)
        return respond_problem(request, PROBLEM_BAD_REQUEST, NULL,
                               "NUL byte or folded line in the header");
    if (version[7] > '1') /* libmicrohttpd accepts HTTP/1.x only */
        return respond_problem(request, PROBLEM_VERSION, NULL, "expected version 1.1 or 1.0");
    const char *fault = find_fault(request, version);
    if (fault)
        return respond_problem(request, PROBLEM_BAD_REQUEST, NULL, "%s", fault);
    if (fields->hosts != 1 && (fields->hosts > 1 || strcmp(version, "HTTP/1.1") == 0))
        return respond_problem(request, PROBLEM_BAD_REQUEST, NULL,
                               "expected exactly one Host field, got %u", fields->hosts);
    access_check(request);
    return begin_body(request);
}

/* ---- What libmicrohttpd calls */

enum MHD_Result http_on_request(void *ctx, struct MHD_Connection *connection, const char *url,
                                const char *method, const char *version, const char *body,
                                size_t *body_length, void **request_context)
{
    struct request *request = *request_context;
    size_t length;

    (void)ctx, (void)connection;
    if (!request)
        return MHD_NO; /* out of memory when the connection began */
    reading_mark(request->client->entry.fd);
    request->stuck = false;
    switch (request->stage) {
    case STAGE_HEAD:
        return on_head(request, url, method, version);
    case STAGE_BODY:
        /* The length does not tell: after "Expect: 100-continue" without a body, libmicrohttpd calls for
         * 0 bytes if it has read some of the next request, and accepts no response then. */
        if (!body) {
            connections_arrived(&request->client->entry);
            return serve_request(request);
        }
        length = *body_length;
        *body_length = 0;
        return on_body(request, body, length);
    case STAGE_WAITING:
        return http_go_on(request);
    case STAGE_NONE:
    case STAGE_DONE:
        break;
    }
    return MHD_YES;
}

void *http_on_target(void *ctx, const char *text, struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct client *client = info ? info->socket_context : NULL;

    (void)ctx;
    if (!client)
        return NULL;
    struct request *request = &client->request;
    const struct http_service *service = client->service;
    atomic_store_explicit(&client->entry.busy, true, memory_order_relaxed);
    replace_note_memory(client);
    *request = (struct request){
        .client = client,
        .stage = STAGE_HEAD,
        .url = text,
        .url_end = text + strlen(text),
        .fields.client_header = &service->client_header,
        .fields.directives.max_age_ms = LOOKUP_MAX_AGE_UNSET,
    };
    target_parse(text, (size_t)(request->url_end - text), service->routes, &request->target);
    hide_parameters(text);
    request->about = target_addr(&request->target);
    return request;
}

void request_end(struct request *request)
{
    linger(request);
    if (request->release)
        request->release(request);
    request->release = NULL;
    fields_free(&request->fields);
    request->stage = STAGE_NONE;
}

void http_on_completed(void *ctx, struct MHD_Connection *connection, void **request_context,
                       enum MHD_RequestTerminationCode why)
{
    struct request *request = *request_context;

    (void)ctx, (void)connection, (void)why;
    if (!request)
        return;
    struct client *client = request->client;
    request_end(request);
    client->request_begun = false;
    reading_mark(client->entry.fd); /* the next request may have been read already */
    atomic_store_explicit(&client->entry.busy, false, memory_order_relaxed);
    connections_await(client->service->connections, &client->entry);
}
