/* SPDX-License-Identifier: MIT */
#include "http/cors.h"

#include "http/respond.h"
#include "http/response.h"

/* Beyond those that a page may always read, or send. */
#define READABLE "Age, Cache-Status, ETag, Retry-After"
#define SENDABLE "Cache-Control, Content-Type, If-None-Match"
#define PREFLIGHT_GOOD_S "3600"

void cors_add_fields(const struct request *request, struct MHD_Response **response)
{
    if (origins_vary(request->client->service->cors))
        response_add(response, "Vary", "Origin");
    if (!request->allow_origin)
        return;
    response_add(response, "Access-Control-Allow-Origin", request->allow_origin);
    response_add(response, "Access-Control-Expose-Headers", READABLE);
}

bool cors_is_own(const struct request *request)
{
    return request->allow_origin && origins_vary(request->client->service->cors);
}

enum MHD_Result serve_options(struct request *request)
{
    const char *allowed = target_allows(request->target.route);
    struct MHD_Response *response = response_options(allowed);

    if (request->allow_origin && request->fields.preflight) {
        response_add(&response, "Access-Control-Allow-Methods", allowed);
        response_add(&response, "Access-Control-Allow-Headers", SENDABLE);
        response_add(&response, "Access-Control-Max-Age", PREFLIGHT_GOOD_S);
    }
    return respond(request, MHD_HTTP_NO_CONTENT, response);
}
