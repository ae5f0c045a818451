#include "http/host.h"

#include "http/client_address.h"
#include "http/cors.h"
#include "http/respond.h"
#include "http/response.h"
#include "http/suspend.h"
#include "http/verdict.h"

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
        match->found |= conditions_names_etag(value, match->etag);
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
static enum MHD_Result queue_hit(struct client *client, struct answer *answer,
                                 const struct answer_body *body)
{
    struct http_recent *recent = client->recent;
    const struct freshness *freshness = &client->lookup.freshness;
    const struct http_recent_key key = http_recent_key(answer, client->target.format, freshness);
    struct MHD_Response *response = http_recent_take(recent, &key);
    unsigned status = status_for(client, body->etag);

    if (response) {
        answer_unref(answer); /* the response has a reference of its own */
    } else {
        response = reply_host(answer, body, freshness);
        http_cors_add(client, &response);
    }
    if (!response)
        return MHD_NO;
    enum MHD_Result result = queue_shared(client, status, response);
    http_recent_put(recent, &key, response);
    return result;
}

static enum MHD_Result queue_no_host(struct client *client)
{
    const struct lookup_request *lookup = &client->lookup;
    char detail[VERDICT_DETAIL_SIZE];
    enum problem problem = verdict(lookup->outcome, &lookup->addr, detail);

    return queue_problem(client, problem,
                         lookup->outcome == LOOKUP_NO_MATCH ? &lookup->freshness : NULL, "%s",
                         detail);
}

/* Takes the request's reference to the answer over. */
static enum MHD_Result queue_host(struct client *client)
{
    struct answer *answer = client->lookup.answer;
    const struct freshness *freshness = &client->lookup.freshness;
    enum render_format format = client->target.format;

    if (format == RENDER_PARSED && !answer_valid(answer)) {
        answer_unref(answer);
        return queue_no_host(client);
    }
    const struct answer_body *body = answer_body(answer, format);
    if (!body) {
        answer_unref(answer);
        return MHD_NO;
    }
    if (freshness->source == FRESHNESS_HIT && freshness->age_ms < freshness->ttl_ms &&
        !freshness->personal && !http_cors_is_own(client) &&
        !atomic_load_explicit(&client->service->winding_down, memory_order_relaxed))
        return queue_hit(client, answer, body);
    unsigned status = status_for(client, body->etag);
    return queue_response(client, status, reply_host(answer, body, freshness));
}

static enum MHD_Result queue_lookup(struct client *client)
{
    return client->lookup.outcome == LOOKUP_FOUND ? queue_host(client) : queue_no_host(client);
}

/* ---- Asking */

static void forget_answer(struct client *client)
{
    answer_unref(client->lookup.answer);
}

/* In the loop's thread. After the resume the client may be gone at any moment. */
static void on_lookup_done(struct lookup_request *request)
{
    struct client *client = (struct client *)((char *)request - offsetof(struct client, lookup));

    http_resume(client);
}

static void end_early(struct client *client, bool for_good)
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
    request->max_age_ms = client->conditions.max_age_ms;
    request->only_if_cached = client->conditions.only_if_cached;
    request->done = on_lookup_done;
    if (lookup_try(lookup, request) ||
        !lookup_admit(lookup, request, http_caller_if_known(client, &caller)))
        return finish(client);
    http_suspend(client, finish, forget_answer);
    http_watch(client, end_early);
    lookup_submit(lookup, request);
    return MHD_YES;
}

enum MHD_Result serve_host(struct client *client)
{
    const struct target *target = &client->target;

    if (target->error == TARGET_BAD_ADDRESS)
        return queue_problem(client, PROBLEM_BAD_ADDRESS, NULL, "%s",
                             p0f_strerror(target->address));
    if (target->error == TARGET_BAD_PARAMETER)
        return queue_problem(client, PROBLEM_BAD_PARAMETER, NULL, "%s", target->detail);
    client->lookup.addr = target->addr;
    return look_up(client, false, queue_lookup);
}

/* ---- Who asks is here now, so p0f is asked again even if it just did not know them */

static enum MHD_Result queue_self(struct client *client)
{
    client->lookup.freshness.personal = true;
    return queue_lookup(client);
}

enum MHD_Result serve_self(struct client *client)
{
    if (client->target.error == TARGET_BAD_PARAMETER)
        return queue_problem(client, PROBLEM_BAD_PARAMETER, NULL, "%s", client->target.detail);
    switch (http_caller(client, &client->lookup.addr)) {
    case CALLER_FOUND:
        break;
    case CALLER_HIDDEN:
        return queue_problem(client, PROBLEM_BAD_ADDRESS, NULL,
                             "the request came over a unix socket, and there is no address in an "
                             "X-Forwarded-For field");
    case CALLER_NO_MEMORY:
        return MHD_NO;
    }
    client->about = &client->lookup.addr;
    return look_up(client, true, queue_self);
}

static enum MHD_Result queue_forward(struct client *client, enum forward_status status,
                                     const struct p0f_host *host)
{
    struct forward_headers headers;

    forward_headers(status, host, &headers);
    return queue_response(client, MHD_HTTP_NO_CONTENT, reply_forward(&headers));
}

static enum MHD_Result queue_forward_auth(struct client *client)
{
    struct answer *answer = client->lookup.answer;
    enum MHD_Result result;

    if (client->lookup.outcome == LOOKUP_NO_MATCH)
        return queue_forward(client, FORWARD_NO_MATCH, NULL);
    if (client->lookup.outcome != LOOKUP_FOUND)
        return queue_forward(client, FORWARD_ERROR, NULL);
    if (answer_valid(answer))
        result = queue_forward(client, FORWARD_OK, answer_host(answer));
    else
        result = queue_forward(client, FORWARD_ERROR, NULL);
    answer_unref(answer);
    return result;
}

enum MHD_Result serve_forward_auth(struct client *client)
{
    /* The header fields are the visitor's, whose reload is no reason to ask p0f again. */
    client->conditions = (struct conditions){.max_age_ms = LOOKUP_MAX_AGE_UNSET};
    if (http_caller(client, &client->lookup.addr) != CALLER_FOUND)
        return queue_forward(client, FORWARD_ERROR, NULL);
    return look_up(client, true, queue_forward_auth);
}
