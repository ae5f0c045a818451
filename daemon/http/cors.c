/* SPDX-License-Identifier: MIT */
#include "http/cors.h"

#include "http/respond.h"
#include "http/response.h"

/* Beyond those that a page may always read, or send. */
#define READABLE "Age, Cache-Status, ETag, Retry-After"
#define SENDABLE "Cache-Control, Content-Type, If-None-Match"
#define PREFLIGHT_GOOD_S "3600"

void cors_add_fields(const struct client *client, struct MHD_Response **response)
{
    if (origins_vary(client->service->cors))
        response_add(response, "Vary", "Origin");
    if (!client->allow_origin)
        return;
    response_add(response, "Access-Control-Allow-Origin", client->allow_origin);
    response_add(response, "Access-Control-Expose-Headers", READABLE);
}

bool cors_is_own(const struct client *client)
{
    return client->allow_origin && origins_vary(client->service->cors);
}

enum MHD_Result serve_options(struct client *client)
{
    const char *allowed = target_allows(client->target.route);
    struct MHD_Response *response = response_options(allowed);

    if (client->allow_origin && client->preflight) {
        response_add(&response, "Access-Control-Allow-Methods", allowed);
        response_add(&response, "Access-Control-Allow-Headers", SENDABLE);
        response_add(&response, "Access-Control-Max-Age", PREFLIGHT_GOOD_S);
    }
    return respond(client, MHD_HTTP_NO_CONTENT, response);
}
