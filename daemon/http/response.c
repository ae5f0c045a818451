/* SPDX-License-Identifier: MIT */
#include "http/response.h"

#include "http/cache_fields.h"
#include "json/render.h"

#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>

/* libmicrohttpd only reads a body, whatever its prototypes say. */
static void *unconst(const char *text)
{
    return (void *)(uintptr_t)text;
}

void response_add(struct MHD_Response **response, const char *name, const char *value)
{
    if (!*response || MHD_add_response_header(*response, name, value) == MHD_YES)
        return;
    MHD_destroy_response(*response);
    *response = NULL;
}

/* libmicrohttpd refuses an empty value. It takes a space, which is whitespace around an empty value to
 * whoever reads the field (RFC 9110, 5.5). */
void response_add_or_empty(struct MHD_Response **response, const char *name, const char *value)
{
    response_add(response, name, value[0] ? value : " ");
}

void response_vary(struct MHD_Response **response, const char *name)
{
    const char *own = *response ? MHD_get_response_header(*response, "Vary") : NULL;
    char all[64];

    snprintf(all, sizeof all, "%s%s%s", own ? own : "", own ? ", " : "", name);
    if (own)
        MHD_del_response_header(*response, "Vary", own);
    response_add(response, "Vary", all);
}

static void add_freshness(struct MHD_Response **response, const struct freshness *freshness)
{
    char age[CACHE_FIELDS_AGE_SIZE], control[CACHE_FIELDS_CONTROL_SIZE];
    char status[CACHE_FIELDS_STATUS_SIZE];

    cache_fields_age(freshness, age);
    cache_fields_control(freshness, control);
    cache_fields_status(freshness, status);
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
    struct MHD_Response *response = MHD_create_response_from_buffer_with_free_callback_cls(
        body->length, unconst(body->text), give_back, record);

    if (!response) {
        host_record_unref(record);
        return NULL;
    }
    response_add(&response, "Content-Type", RESPONSE_JSON);
    response_add(&response, "ETag", body->etag);
    add_freshness(&response, freshness);
    return response;
}

struct MHD_Response *response_owned(char *text, size_t length, const char *type)
{
    struct MHD_Response *response =
        text ? MHD_create_response_from_buffer(length, text, MHD_RESPMEM_MUST_FREE) : NULL;

    if (!response)
        free(text);
    response_add(&response, "Content-Type", type);
    return response;
}

struct MHD_Response *response_static(const char *text, size_t length, const char *type)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(length, unconst(text), MHD_RESPMEM_PERSISTENT);

    response_add(&response, "Content-Type", type);
    return response;
}

struct MHD_Response *response_empty(void)
{
    return MHD_create_response_from_buffer(0, unconst(""), MHD_RESPMEM_PERSISTENT);
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
    struct MHD_Response *response = response_owned(body, length, "application/problem+json");
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
