/* SPDX-License-Identifier: MIT */
#include "http/denied.h"

#include "core/log.h"
#include "core/metrics.h"
#include "http/respond.h"
#include "http/response.h"

#include <stdio.h>

#define LOG_EVERY_MS 1000
#define CHALLENGE "Bearer realm=\"p0f-lookupd\""

/* ---- Counting and logging */

static void count_denial(enum access access)
{
    switch (access) {
    case ACCESS_GRANTED:
        break;
    case ACCESS_NO_TOKEN:
        metrics_count(METRIC_HTTP_NO_TOKEN);
        break;
    case ACCESS_BAD_TOKEN:
        metrics_count(METRIC_HTTP_BAD_TOKEN);
        break;
    case ACCESS_BAD_ROLE:
        metrics_count(METRIC_HTTP_BAD_ROLE);
        break;
    }
}

/* Whether this denial is to be logged: the first in a while. *others becomes how many were not. */
static bool is_time_to_log(struct request *request, unsigned *others)
{
    struct http_service *service = request->client->service;
    struct mono now = loop_now(http_worker_loop(request->client->worker));
    int64_t next = atomic_load_explicit(&service->denials_logged_next, memory_order_relaxed);

    if (now.ns < next || !atomic_compare_exchange_strong(&service->denials_logged_next, &next,
                                                         mono_add_ms(now, LOG_EVERY_MS).ns)) {
        atomic_fetch_add(&service->denials_not_logged, 1);
        return false;
    }
    *others = atomic_exchange(&service->denials_not_logged, 0);
    return true;
}

/* Neither the token nor the client's address. */
static void log_denial(struct request *request, const char *reason)
{
    const char *path = request->target.route->path;
    unsigned others;
    char more[32] = "";

    if (!is_time_to_log(request, &others))
        return;
    if (others > 0)
        snprintf(more, sizeof more, " (%u more before it)", others);
    log_warnx("refused a request for %s: %s%s", path[0] ? path : "an unknown path", reason, more);
}

/* ---- The answer */

static const char *roles_for(unsigned needs)
{
    if (needs & PERMIT_LOOKUP)
        return "lookup or all";
    if (needs & PERMIT_SELF)
        return "self, lookup or all";
    return needs & PERMIT_METRICS ? "metrics or all" : "all";
}

static enum MHD_Result respond_challenge(struct request *request, enum problem problem,
                                         const char *challenge, const char *detail)
{
    struct MHD_Response *response = response_problem(problem, NULL, detail, NULL);

    response_add(&response, "WWW-Authenticate", challenge);
    log_denial(request, detail);
    return respond(request, problem_kind(problem)->status, response);
}

static enum MHD_Result respond_forbidden(struct request *request)
{
    const struct route *route = request->target.route;
    char detail[128];

    snprintf(detail, sizeof detail, "the role of the token is %s; %s needs %s",
             token_role_name(request->role), route->path, roles_for(route->needs));
    return respond_challenge(request, PROBLEM_FORBIDDEN, CHALLENGE ", error=\"insufficient_scope\"",
                             detail);
}

enum MHD_Result respond_denied(struct request *request)
{
    count_denial(request->access);
    if (request->access == ACCESS_BAD_ROLE)
        return respond_forbidden(request);
    if (request->access == ACCESS_NO_TOKEN)
        return respond_challenge(request, PROBLEM_UNAUTHORIZED, CHALLENGE,
                                 "no token; expected Authorization: Bearer TOKEN");
    return respond_challenge(request, PROBLEM_UNAUTHORIZED, CHALLENGE ", error=\"invalid_token\"",
                             request->fields.authorizations > 1
                                 ? "several Authorization fields; expected one"
                                 : "unknown token");
}
