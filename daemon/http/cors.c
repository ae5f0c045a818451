/* SPDX-License-Identifier: MIT */
#include "http/cors.h"

#include "http/response.h"

#define READABLE "Age, Cache-Status, ETag, Retry-After" /* beyond what any page may read */

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
