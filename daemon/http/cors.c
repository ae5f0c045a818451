#include "http/cors.h"

#include "http/respond.h"
#include "http/response.h"

/* Beyond those that a page may always read, or send. */
#define READABLE "Age, Cache-Status, ETag, Retry-After"
#define SENDABLE "Cache-Control, Content-Type, If-None-Match"
#define PREFLIGHT_GOOD_S "3600"

void http_cors_add(const struct client *client, struct MHD_Response **response)
{
    if (cors_varies(client->service->cors))
        reply_add(response, "Vary", "Origin");
    if (!client->allow_origin)
        return;
    reply_add(response, "Access-Control-Allow-Origin", client->allow_origin);
    reply_add(response, "Access-Control-Expose-Headers", READABLE);
}

bool http_cors_is_own(const struct client *client)
{
    return client->allow_origin && cors_varies(client->service->cors);
}

enum MHD_Result serve_options(struct client *client)
{
    const char *allowed = target_allows(client->target.route);
    struct MHD_Response *response = reply_options(allowed);

    if (client->allow_origin && client->preflight) {
        reply_add(&response, "Access-Control-Allow-Methods", allowed);
        reply_add(&response, "Access-Control-Allow-Headers", SENDABLE);
        reply_add(&response, "Access-Control-Max-Age", PREFLIGHT_GOOD_S);
    }
    return queue_response(client, MHD_HTTP_NO_CONTENT, response);
}
