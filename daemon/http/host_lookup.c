/* SPDX-License-Identifier: MIT */
#include "http/host_lookup.h"

#include "http/client_address.h"
#include "http/cors.h"
#include "http/lookup_problem.h"
#include "http/respond.h"
#include "http/response.h"
#include "http/suspend.h"
#include "lookup/fetch.h"

#include <stddef.h>

/* ---- Answers */

/* Passes the request's reference on to a response. */
static struct host_record *steal_record(struct request *request)
{
    struct host_record *record = request->lookup.record;

    request->lookup.record = NULL;
    return record;
}

/* Queues the response of the last equal hit again, if it is still there. */
static enum MHD_Result respond_hit(struct request *request, const struct host_record_body *body)
{
    struct response_cache *response_cache = request->client->response_cache;
    const struct freshness *freshness = &request->lookup.freshness;
    const struct response_cache_key key =
        response_cache_key(request->lookup.record, request->target.format, freshness);
    struct MHD_Response *response = response_cache_take(response_cache, &key);

    if (!response) {
        response = response_host(steal_record(request), body, freshness);
        respond_add_fields(request, &response);
    }
    if (!response)
        return MHD_NO;
    enum MHD_Result result =
        respond_shared(request, respond_status_for(request, body->etag), response);
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
    unsigned status = respond_status_for(request, body->etag);
    return respond(request, status, response_host(steal_record(request), body, freshness));
}

enum MHD_Result host_lookup_respond(struct request *request)
{
    return request->lookup.outcome == LOOKUP_FOUND ? respond_host(request)
                                                   : respond_no_host(request);
}

/* ---- Lookup */

static void release_record(struct request *request)
{
    host_record_unref(request->lookup.record);
}

/* In the loop's thread. After the resume the request may be gone at any moment. */
static void on_lookup_done(struct lookup_request *lookup)
{
    http_resume((struct request *)((char *)lookup - offsetof(struct request, lookup)));
}

static void end_lookup_early(struct request *request, bool for_good)
{
    if (for_good)
        fetch_cancel(&request->lookup);
    else
        fetch_cut_short(&request->lookup);
}

enum MHD_Result host_lookup(struct request *request, bool here_now, route_handler *finish)
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
    wanted->came = lookup_boottime(lookup);
    if (lookup_recall(lookup, wanted, true))
        return finish(request);
    wanted->began = lookup_mono(lookup);
    wanted->flow = lookup_flow(lookup, client_address(request, &caller));
    if (!lookup_admit(lookup, wanted))
        return finish(request);
    http_suspend(request, finish);
    http_watch(request, end_lookup_early);
    lookup_submit(lookup, wanted);
    return MHD_YES;
}
