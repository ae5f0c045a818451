/* SPDX-License-Identifier: MIT */
#include "http/respond.h"

#include "core/log.h"
#include "core/metrics.h"
#include "http/access.h"
#include "http/clients.h"
#include "http/cors.h"
#include "http/escape.h"
#include "http/response.h"
#include "json/render.h"

#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>

#define METHOD_SHOWN 16 /* bytes */
#define URL_SHOWN 200

static void log_access(const struct request *request, unsigned status)
{
    const struct sockaddr *name = client_peer(request->client);
    char peer[NI_MAXHOST] = "unix";
    char method[ESCAPE_SIZE(METHOD_SHOWN)], url[ESCAPE_SIZE(URL_SHOWN)];

    if (name && name->sa_family == AF_INET)
        getnameinfo(name, sizeof(struct sockaddr_in), peer, sizeof peer, NULL, 0, NI_NUMERICHOST);
    else if (name && name->sa_family == AF_INET6)
        getnameinfo(name, sizeof(struct sockaddr_in6), peer, sizeof peer, NULL, 0, NI_NUMERICHOST);
    escape(request->method, METHOD_SHOWN, method, sizeof method);
    escape(request->url, URL_SHOWN, url, sizeof url);
    log_info("%s \"%s %s\" %u", peer, method, url, status);
}

void respond_note(struct request *request, unsigned status)
{
    request->stage = STAGE_DONE;
    connections_arrived(&request->client->entry); /* as much of the request as matters */
    metrics_request(route_number(request->client->service->routes, request->target.route), status);
    if (request->client->service->access_log)
        log_access(request, status);
}

enum MHD_Result respond_shared(struct request *request, unsigned status,
                               struct MHD_Response *response)
{
    respond_note(request, status);
    return MHD_queue_response(request->client->connection, status, response);
}

void respond_add_fields(const struct request *request, struct MHD_Response **response)
{
    response_add(response, "X-Content-Type-Options", "nosniff");
    cors_add_fields(request, response);
    if (access_varies(request))
        response_vary(response, "Authorization");
}

/* Several If-None-Match fields are one list (RFC 9110, 5.3). */
unsigned respond_status_for(const struct request *request, const char *etag)
{
    const struct field_values *fields = &request->fields.none_match;

    for (size_t i = 0; i < fields->count; i++)
        if (etag_listed(field_values_array(fields)[i], etag))
            return MHD_HTTP_NOT_MODIFIED;
    return MHD_HTTP_OK;
}

enum MHD_Result respond(struct request *request, unsigned status, struct MHD_Response *response)
{
    respond_add_fields(request, &response);
    if (atomic_load_explicit(&request->client->service->shutting_down, memory_order_relaxed))
        response_add(&response, MHD_HTTP_HEADER_CONNECTION, "close");
    if (!response)
        return MHD_NO;
    enum MHD_Result result = respond_shared(request, status, response);
    MHD_destroy_response(response);
    return result;
}

enum MHD_Result respond_problem(struct request *request, enum problem problem,
                                const struct freshness *freshness, const char *format, ...)
{
    char detail[RENDER_DETAIL_SIZE];
    va_list args;

    va_start(args, format);
    vsnprintf(detail, sizeof detail, format, args);
    va_end(args);
    struct MHD_Response *response = response_problem(problem, request->about, detail, freshness);
    if (problem == PROBLEM_METHOD_NOT_ALLOWED)
        response_add(&response, "Allow", route_allow(request->target.route));
    return respond(request, problem_kind(problem)->status, response);
}

enum MHD_Result respond_bad_target(struct request *request)
{
    bool address = request->target.error == TARGET_BAD_ADDRESS;

    return respond_problem(request, address ? PROBLEM_BAD_ADDRESS : PROBLEM_BAD_PARAMETER, NULL,
                           "%s", request->target.detail);
}

enum MHD_Result respond_method_not_allowed(struct request *request)
{
    return respond_problem(request, PROBLEM_METHOD_NOT_ALLOWED, NULL,
                           "%.32s is not allowed; expected one of %s", request->method,
                           route_allow(request->target.route));
}
