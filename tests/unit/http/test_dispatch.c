/* SPDX-License-Identifier: MIT */
#include "http/dispatch.h"

#include "http/request.h"
#include "http/routes.h"

#include <criterion/criterion.h>
#include <string.h>

static struct client client;

/* In place of the library's: the connection is no real one. */
const union MHD_ConnectionInfo *MHD_get_connection_info(struct MHD_Connection *connection,
                                                        enum MHD_ConnectionInfoType what, ...)
{
    static union MHD_ConnectionInfo info;

    (void)connection;
    info.socket_context = &client;
    return what == MHD_CONNECTION_INFO_SOCKET_CONTEXT ? &info : NULL;
}

/* Whatever a request before has left there. */
static const struct request *begin(char *target)
{
    static struct http_service service = {.routes = &routes};

    memset(&client.request, 0xa5, sizeof client.request);
    client.service = &service;
    return http_on_target(NULL, target, NULL);
}

Test(dispatch, a_request_begins_with_nothing_of_the_one_before)
{
    char target[] = "/livez?x";
    const struct request *request = begin(target);
    const struct fields *fields = &request->fields;

    cr_assert_eq(request, &client.request);
    cr_assert_eq(request->client, &client);
    cr_assert_eq(request->stage, STAGE_HEAD);
    cr_assert_str_eq(request->target.route->path, "/livez");
    cr_assert_eq(request->target.error, TARGET_OK);
    cr_assert_eq(request->url_end, target + 8);
    cr_assert_null(request->about);
    cr_assert_null(request->method);
    cr_assert_null(request->allow_origin);
    cr_assert_eq(request->body_bytes, 0);
    cr_assert_not(request->early);
    cr_assert_null(request->state);
    cr_assert_null(request->release);
    cr_assert_null(request->lookup.record);
    cr_assert_null(request->resumed);
    cr_assert_null(request->waiting.end_early);
    cr_assert_not(request->waiting.gone || request->waiting.half_closed);
    cr_assert_eq(fields->hosts + fields->lengths + fields->encodings, 0);
    cr_assert_eq(fields->bytes, 0);
    cr_assert_eq(fields->content_length, 0);
    cr_assert_null(fields->content_type);
    cr_assert_null(fields->origin);
    cr_assert_eq(fields->client.count + fields->none_match.count, 0);
    cr_assert_null(fields->client.all);
    cr_assert_null(fields->none_match.all);
    cr_assert_not(fields->chunked || fields->hidden_length || fields->bad_name);
    cr_assert_not(fields->bad_host || fields->encoded || fields->preflight);
    cr_assert_not(fields->out_of_memory);
    cr_assert_not(fields->directives.only_if_cached);
    cr_assert_eq(fields->directives.max_age_ms, LOOKUP_MAX_AGE_UNSET);
}

/* libmicrohttpd must not take the parameters apart. */
Test(dispatch, parameters_are_hidden)
{
    char target[] = "/host/x?format=raw&wait=7";
    const struct request *request = begin(target);

    cr_assert_str_eq(target, "/host/x?");
    cr_assert_eq(request->target.format, RENDER_RAW);
    cr_assert_eq(request->url_end, target + sizeof target - 1);
}

Test(dispatch, a_connection_without_memory_is_closed)
{
    void *request = NULL;
    size_t length = 0;

    cr_assert_eq(http_on_request(NULL, NULL, "/", "GET", "HTTP/1.1", NULL, &length, &request),
                 MHD_NO);
    http_on_completed(NULL, NULL, &request, MHD_REQUEST_TERMINATED_WITH_ERROR);
}
