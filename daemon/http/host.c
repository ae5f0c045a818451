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

struct match {
    const char *etag;
    bool found;
};

static enum MHD_Result match_field(void *ctx, enum MHD_ValueKind kind, const char *name,
                                   const char *value)
{
    struct match *match = ctx;

    (void)kind;
    if (value && strcasecmp(name, "If-None-Match") == 0)
        match->found |= etag_listed(value, match->etag);
    return MHD_YES;
}

/* Of the fields of that name each may hold a part of the list (RFC 9110, 5.3). */
static unsigned status_for(const struct client *client, const char *etag)
{
    struct match match = {.etag = etag};

    if (client->conditional)
        MHD_get_connection_values(client->connection, MHD_HEADER_KIND, match_field, &match);
    return match.found ? MHD_HTTP_NOT_MODIFIED : MHD_HTTP_OK;
}

/* The same again, if it was just built for somebody else. Takes the reference over. */
static enum MHD_Result respond_hit(struct client *client, struct host_record *record,
                                   const struct host_record_body *body)
{
    struct response_cache *response_cache = client->response_cache;
    const struct freshness *freshness = &client->lookup.freshness;
    const struct response_cache_key key =
        response_cache_key(record, client->target.format, freshness);
    struct MHD_Response *response = response_cache_take(response_cache, &key);
    unsigned status = status_for(client, body->etag);

    if (response) {
        host_record_unref(record); /* the response has a reference of its own */
    } else {
        response = response_host(record, body, freshness);
        cors_add_fields(client, &response);
    }
    if (!response)
        return MHD_NO;
    enum MHD_Result result = respond_shared(client, status, response);
    response_cache_put(response_cache, &key, response);
    return result;
}

static enum MHD_Result respond_no_host(struct client *client)
{
    const struct lookup_request *lookup = &client->lookup;
    char detail[PROBLEM_DETAIL_SIZE];
    enum problem problem = problem_of_lookup(lookup->outcome, &lookup->addr, detail);

    return respond_problem(client, problem,
                           lookup->outcome == LOOKUP_NO_MATCH ? &lookup->freshness : NULL, "%s",
                           detail);
}

/* Takes the request's reference to the answer over. */
static enum MHD_Result respond_host(struct client *client)
{
    struct host_record *record = client->lookup.record;
    const struct freshness *freshness = &client->lookup.freshness;
    enum render_format format = client->target.format;

    if (format == RENDER_PARSED && !host_record_valid(record)) {
        host_record_unref(record);
        return respond_no_host(client);
    }
    const struct host_record_body *body = host_record_body(record, format);
    if (!body) {
        host_record_unref(record);
        return MHD_NO;
    }
    if (freshness->source == FRESHNESS_HIT && freshness->age_ms < freshness->ttl_ms &&
        !freshness->personal && !cors_is_own(client) &&
        !atomic_load_explicit(&client->service->shutting_down, memory_order_relaxed))
        return respond_hit(client, record, body);
    unsigned status = status_for(client, body->etag);
    return respond(client, status, response_host(record, body, freshness));
}

static enum MHD_Result respond_lookup(struct client *client)
{
    return client->lookup.outcome == LOOKUP_FOUND ? respond_host(client) : respond_no_host(client);
}

/* ---- Asking */

static void forget_answer(struct client *client)
{
    host_record_unref(client->lookup.record);
}

/* In the loop's thread. After the resume the client may be gone at any moment. */
static void on_lookup_done(struct lookup_request *request)
{
    struct client *client = (struct client *)((char *)request - offsetof(struct client, lookup));

    http_resume(client);
}

static void end_lookup_early(struct client *client, bool for_good)
{
    if (for_good)
        lookup_cancel(&client->lookup);
    else
        lookup_cut_short(&client->lookup);
}

/* About lookup.addr; what comes of it is given to `finish`. */
static enum MHD_Result look_up(struct client *client, bool here_now,
                               enum MHD_Result (*finish)(struct client *client))
{
    struct lookup *lookup = client->service->lookup;
    struct lookup_request *request = &client->lookup;
    struct p0f_addr caller;

    request->wait_ms = client->target.wait_ms;
    request->here_now = here_now;
    request->max_age_ms = client->directives.max_age_ms;
    request->only_if_cached = client->directives.only_if_cached;
    request->done = on_lookup_done;
    if (lookup_try(lookup, request) ||
        !lookup_admit(lookup, request, client_address_if_known(client, &caller)))
        return finish(client);
    http_suspend(client, finish, forget_answer);
    http_watch(client, end_lookup_early);
    lookup_submit(lookup, request);
    return MHD_YES;
}

enum MHD_Result serve_host(struct client *client)
{
    const struct target *target = &client->target;

    if (target->error == TARGET_BAD_ADDRESS)
        return respond_problem(client, PROBLEM_BAD_ADDRESS, NULL, "%s",
                               p0f_strerror(target->address));
    if (target->error == TARGET_BAD_PARAMETER)
        return respond_problem(client, PROBLEM_BAD_PARAMETER, NULL, "%s", target->detail);
    client->lookup.addr = target->addr;
    return look_up(client, false, respond_lookup);
}

/* ---- Who asks is here now, so p0f is asked again even if it just did not know them */

static enum MHD_Result respond_self(struct client *client)
{
    client->lookup.freshness.personal = true;
    return respond_lookup(client);
}

enum MHD_Result serve_self(struct client *client)
{
    if (client->target.error == TARGET_BAD_PARAMETER)
        return respond_problem(client, PROBLEM_BAD_PARAMETER, NULL, "%s", client->target.detail);
    switch (client_address(client, &client->lookup.addr)) {
    case CLIENT_ADDRESS_FOUND:
        break;
    case CLIENT_ADDRESS_HIDDEN:
        return respond_problem(client, PROBLEM_BAD_ADDRESS, NULL,
                               "the request came over a unix socket, and there is no address in an "
                               "X-Forwarded-For field");
    case CLIENT_ADDRESS_NO_MEMORY:
        return MHD_NO;
    }
    client->about = &client->lookup.addr;
    return look_up(client, true, respond_self);
}

static enum MHD_Result respond_forward(struct client *client, enum forward_status status,
                                       const struct p0f_host *host)
{
    struct forward_auth headers;

    forward_auth(status, host, &headers);
    return respond(client, MHD_HTTP_NO_CONTENT, response_forward(&headers));
}

static enum MHD_Result respond_forward_auth(struct client *client)
{
    struct host_record *record = client->lookup.record;
    enum MHD_Result result;

    if (client->lookup.outcome == LOOKUP_NO_MATCH)
        return respond_forward(client, FORWARD_NO_MATCH, NULL);
    if (client->lookup.outcome != LOOKUP_FOUND)
        return respond_forward(client, FORWARD_ERROR, NULL);
    if (host_record_valid(record))
        result = respond_forward(client, FORWARD_OK, host_record_host(record));
    else
        result = respond_forward(client, FORWARD_ERROR, NULL);
    host_record_unref(record);
    return result;
}

enum MHD_Result serve_forward_auth(struct client *client)
{
    /* The header fields are the visitor's, whose reload is no reason to ask p0f again. */
    client->directives = (struct cache_directives){.max_age_ms = LOOKUP_MAX_AGE_UNSET};
    if (client_address(client, &client->lookup.addr) != CLIENT_ADDRESS_FOUND)
        return respond_forward(client, FORWARD_ERROR, NULL);
    return look_up(client, true, respond_forward_auth);
}
