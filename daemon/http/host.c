/* SPDX-License-Identifier: MIT */
#include "http/host.h"

#include "http/client_address.h"
#include "http/cors.h"
#include "http/lookup_problem.h"
#include "http/respond.h"
#include "http/response.h"
#include "http/suspend.h"

#include <stddef.h>
#include <strings.h>

/* ---- Answers */

/* Each of the If-None-Match fields may hold a part of the list (RFC 9110, 5.3). */
static unsigned status_for(const struct request *request, const char *etag)
{
    const struct field_values *fields = &request->fields.none_match;

    for (size_t i = 0; i < fields->count; i++)
        if (etag_listed(field_values_array(fields)[i], etag))
            return MHD_HTTP_NOT_MODIFIED;
    return MHD_HTTP_OK;
}

/* The request's reference, for a response to have. */
static struct host_record *steal_record(struct request *request)
{
    struct host_record *record = request->lookup.record;

    request->lookup.record = NULL;
    return record;
}

/* The same again, if it was just built for somebody else. */
static enum MHD_Result respond_hit(struct request *request, const struct host_record_body *body)
{
    struct response_cache *response_cache = request->client->response_cache;
    const struct freshness *freshness = &request->lookup.freshness;
    const struct response_cache_key key =
        response_cache_key(request->lookup.record, request->target.format, freshness);
    struct MHD_Response *response = response_cache_take(response_cache, &key);

    if (!response) {
        response = response_host(steal_record(request), body, freshness);
        cors_add_fields(request, &response);
    }
    if (!response)
        return MHD_NO;
    enum MHD_Result result = respond_shared(request, status_for(request, body->etag), response);
    response_cache_put(response_cache, &key, response);
    return result;
}

static enum MHD_Result respond_no_host(struct request *request)
{
    const struct lookup_request *lookup = &request->lookup;
    char detail[PROBLEM_DETAIL_SIZE];
    enum problem problem = problem_of_lookup(lookup->outcome, &lookup->addr, detail);

    return respond_problem(request, problem,
                           lookup->outcome == LOOKUP_NO_MATCH ? &lookup->freshness : NULL, "%s",
                           detail);
}

static enum MHD_Result respond_host(struct request *request)
{
    struct host_record *record = request->lookup.record;
    const struct freshness *freshness = &request->lookup.freshness;
    enum render_format format = request->target.format;

    if (format == RENDER_PARSED && !host_record_valid(record))
        return respond_no_host(request);
    const struct host_record_body *body = host_record_body(record, format);
    if (!body)
        return MHD_NO;
    if (freshness->source == FRESHNESS_HIT && freshness->age_ms < freshness->ttl_ms &&
        !freshness->personal && !cors_is_own(request) &&
        !atomic_load_explicit(&request->client->service->shutting_down, memory_order_relaxed))
        return respond_hit(request, body);
    unsigned status = status_for(request, body->etag);
    return respond(request, status, response_host(steal_record(request), body, freshness));
}

static enum MHD_Result respond_lookup(struct request *request)
{
    return request->lookup.outcome == LOOKUP_FOUND ? respond_host(request)
                                                   : respond_no_host(request);
}

/* ---- Asking */

static void release_record(struct request *request)
{
    host_record_unref(request->lookup.record);
}

/* In the loop's thread. After the resume the client may be gone at any moment. */
static void on_lookup_done(struct lookup_request *lookup)
{
    http_resume((struct request *)((char *)lookup - offsetof(struct request, lookup)));
}

static void end_lookup_early(struct request *request, bool for_good)
{
    if (for_good)
        lookup_cancel(&request->lookup);
    else
        lookup_cut_short(&request->lookup);
}

/* About lookup.addr; what comes of it is given to `finish`. */
static enum MHD_Result look_up(struct request *request, bool here_now,
                               enum MHD_Result (*finish)(struct request *request))
{
    struct lookup *lookup = request->client->service->lookup;
    struct lookup_request *wanted = &request->lookup;
    struct p0f_addr caller;

    wanted->wait_ms = request->target.wait_ms;
    wanted->here_now = here_now;
    wanted->max_age_ms = request->fields.directives.max_age_ms;
    wanted->only_if_cached = request->fields.directives.only_if_cached;
    wanted->done = on_lookup_done;
    request->release = release_record;
    if (lookup_try(lookup, wanted) ||
        !lookup_admit(lookup, wanted, client_address(request, &caller)))
        return finish(request);
    http_suspend(request, finish);
    http_watch(request, end_lookup_early);
    lookup_submit(lookup, wanted);
    return MHD_YES;
}

enum MHD_Result serve_host(struct request *request)
{
    const struct target *target = &request->target;

    if (target->error == TARGET_BAD_ADDRESS)
        return respond_problem(request, PROBLEM_BAD_ADDRESS, NULL, "%s",
                               p0f_strerror(target->address));
    if (target->error == TARGET_BAD_PARAMETER)
        return respond_problem(request, PROBLEM_BAD_PARAMETER, NULL, "%s", target->detail);
    request->lookup.addr = target->addr;
    return look_up(request, false, respond_lookup);
}

/* ---- Who asks is here now, so p0f is asked again even if it just did not know them */

static enum MHD_Result respond_self(struct request *request)
{
    request->lookup.freshness.personal = true;
    return respond_lookup(request);
}

enum MHD_Result serve_self(struct request *request)
{
    if (request->target.error == TARGET_BAD_PARAMETER)
        return respond_problem(request, PROBLEM_BAD_PARAMETER, NULL, "%s", request->target.detail);
    if (!client_address(request, &request->lookup.addr))
        return respond_problem(request, PROBLEM_BAD_ADDRESS, NULL,
                               "the request came over a unix socket, and there is no address in an "
                               "X-Forwarded-For field");
    request->about = &request->lookup.addr;
    return look_up(request, true, respond_self);
}

static enum MHD_Result respond_forward(struct request *request, enum forward_status status,
                                       const struct p0f_host *host)
{
    struct forward_auth headers;

    forward_auth(status, host, &headers);
    return respond(request, MHD_HTTP_NO_CONTENT, response_forward(&headers));
}

static enum MHD_Result respond_forward_auth(struct request *request)
{
    struct host_record *record = request->lookup.record;

    if (request->lookup.outcome == LOOKUP_NO_MATCH)
        return respond_forward(request, FORWARD_NO_MATCH, NULL);
    if (request->lookup.outcome != LOOKUP_FOUND || !host_record_valid(record))
        return respond_forward(request, FORWARD_ERROR, NULL);
    return respond_forward(request, FORWARD_OK, host_record_host(record));
}

enum MHD_Result serve_forward_auth(struct request *request)
{
    /* The header fields are the visitor's, whose reload is no reason to ask p0f again. */
    request->fields.directives = (struct cache_directives){.max_age_ms = LOOKUP_MAX_AGE_UNSET};
    if (!client_address(request, &request->lookup.addr))
        return respond_forward(request, FORWARD_ERROR, NULL);
    return look_up(request, true, respond_forward_auth);
}
