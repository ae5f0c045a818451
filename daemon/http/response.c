/* SPDX-License-Identifier: MIT */
#include "http/response.h"

#include "http/target.h"

#include "http/openapi.h"

#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>

static const char json[] = "application/json";

void response_add(struct MHD_Response **response, const char *name, const char *value)
{
    if (!*response || MHD_add_response_header(*response, name, value) == MHD_YES)
        return;
    MHD_destroy_response(*response);
    *response = NULL;
}

static void add_freshness(struct MHD_Response **response, const struct freshness *freshness)
{
    char age[FRESHNESS_AGE_SIZE], control[FRESHNESS_CACHE_CONTROL_SIZE];
    char status[FRESHNESS_CACHE_STATUS_SIZE];

    freshness_age(freshness, age);
    freshness_cache_control(freshness, control);
    freshness_cache_status(freshness, status);
    response_add(response, "Age", age);
    response_add(response, "Cache-Control", control);
    response_add(response, "Cache-Status", status);
}

static void give_back(void *record)
{
    host_record_unref(record);
}

struct MHD_Response *response_host(struct host_record *record, const struct host_record_body *body,
                                   const struct freshness *freshness)
{
    /* libmicrohttpd only reads it, whatever its prototype says. */
    void *text = (void *)(uintptr_t)body->text;
    struct MHD_Response *response = MHD_create_response_from_buffer_with_free_callback_cls(
        body->length, text, give_back, record);

    if (!response) {
        host_record_unref(record);
        return NULL;
    }
    response_add(&response, "Content-Type", json);
    response_add(&response, "ETag", body->etag);
    add_freshness(&response, freshness);
    return response;
}

/* Takes `body` over, NULL included. */
static struct MHD_Response *response_text(char *body, size_t length, const char *type)
{
    struct MHD_Response *response =
        body ? MHD_create_response_from_buffer(length, body, MHD_RESPMEM_MUST_FREE) : NULL;

    if (!response)
        free(body);
    response_add(&response, "Content-Type", type);
    return response;
}

char *response_problem_text(enum problem problem, const struct p0f_addr *addr, const char *detail,
                            size_t *length)
{
    const struct problem_kind *kind = problem_kind(problem);
    const struct render_problem content = {.status = kind->status,
                                           .code = kind->code,
                                           .title = kind->title,
                                           .detail = detail,
                                           .addr = addr};

    return render_problem(&content, length);
}

struct MHD_Response *response_problem(enum problem problem, const struct p0f_addr *addr,
                                      const char *detail, const struct freshness *freshness)
{
    char etag[ETAG_SIZE];
    size_t length = 0;
    char *body = response_problem_text(problem, addr, detail, &length);

    if (body && freshness)
        host_record_etag(body, length, etag);
    struct MHD_Response *response = response_text(body, length, "application/problem+json");
    if (!response)
        return NULL; /* and perhaps there is no `etag` */
    if (problem_kind(problem)->retry)
        response_add(&response, "Retry-After", "1");
    if (freshness) {
        response_add(&response, "ETag", etag);
        add_freshness(&response, freshness);
    } else {
        response_add(&response, "Cache-Control", "no-store");
    }
    return response;
}

struct MHD_Response *response_forward(const struct forward_auth *headers)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(0, "", MHD_RESPMEM_PERSISTENT);

    for (size_t i = 0; i < headers->count; i++)
        response_add(&response, headers->fields[i].name, headers->fields[i].value);
    response_add(&response, "Cache-Control", "no-store");
    return response;
}

struct MHD_Response *response_options(const char *allowed)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(0, "", MHD_RESPMEM_PERSISTENT);

    response_add(&response, "Allow", allowed);
    return response;
}

struct MHD_Response *response_index(const char *version)
{
    size_t length = 0;
    char *body = render_index(version, target_paths, TARGET_PATHS, &length);

    return response_text(body, length, json);
}

struct MHD_Response *response_openapi(void)
{
    size_t length;
    /* libmicrohttpd only reads it, whatever its prototype says. */
    void *text = (void *)(uintptr_t)openapi_document(&length);
    struct MHD_Response *response =
        MHD_create_response_from_buffer(length, text, MHD_RESPMEM_PERSISTENT);

    response_add(&response, "Content-Type", json);
    return response;
}

struct MHD_Response *response_document(char *text, size_t length, const char *type)
{
    struct MHD_Response *response = response_text(text, length, type);

    response_add(&response, "Cache-Control", "no-store");
    return response;
}

struct MHD_Response *response_streamed(uint64_t length, size_t block,
                                       ssize_t (*read)(void *ctx, uint64_t position, char *bytes,
                                                       size_t room),
                                       void *ctx, void (*release)(void *ctx), const char *type)
{
    struct MHD_Response *response =
        MHD_create_response_from_callback(length, block, read, ctx, release);

    if (!response)
        release(ctx);
    response_add(&response, "Content-Type", type);
    response_add(&response, "Cache-Control", "no-store");
    return response;
}

static struct MHD_Response *response_fixed(char *text)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_PERSISTENT);

    response_add(&response, "Content-Type", json);
    response_add(&response, "Cache-Control", "no-store");
    return response;
}

struct MHD_Response *response_alive(void)
{
    static char body[] = "{\"status\":\"ok\"}\n";

    return response_fixed(body);
}

struct MHD_Response *response_ready(void)
{
    static char body[] = "{\"status\":\"ready\"}\n";

    return response_fixed(body);
}
