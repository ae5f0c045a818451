#include "http_batch.h"

#include "batch.h"
#include "http_caller.h"
#include "http_queue.h"
#include "http_reply.h"
#include "media_type.h"

#include <stdlib.h>
#include <string.h>

#define ROOM_FIRST 1024

/* ---- The body */

static bool is_json(const struct client *client)
{
    return client->content_type && !client->encoded && media_type_is_json(client->content_type);
}

void http_batch_forget(struct client *client)
{
    free(client->body.bytes);
    client->body = (struct http_body){0};
}

/* Room for as much as has come, not for what was announced: that costs a client nothing. */
static bool make_room(struct http_body *body, size_t length)
{
    size_t room = body->room ? body->room : ROOM_FIRST;
    char *bytes;

    while (room < length)
        room *= 2;
    if (room == body->room)
        return true;
    bytes = realloc(body->bytes, room);
    if (!bytes)
        return false;
    body->bytes = bytes;
    body->room = room;
    return true;
}

void http_batch_take(struct client *client, const char *bytes, size_t length)
{
    struct http_body *body = &client->body;

    if (body->failed || !is_json(client))
        return;
    if (length > client->service->batch_bytes - body->length ||
        !make_room(body, body->length + length)) {
        http_batch_forget(client);
        body->failed = true;
        return;
    }
    memcpy(body->bytes + body->length, bytes, length);
    body->length += length;
}

/* ---- The answer */

static void forget_batch(struct client *client)
{
    batch_free(client->batch);
    client->batch = NULL;
}

static enum MHD_Result queue_batch(struct client *client)
{
    size_t length = 0;
    char *text = batch_render(client->batch, &length);

    forget_batch(client);
    return queue_response(client, MHD_HTTP_OK, reply_document(text, length, "application/json"));
}

/* In the loop's thread. After the resume the client may be gone at any moment. */
static void on_batch_done(void *ctx)
{
    struct client *client = ctx;

    http_resume(client);
}

static enum MHD_Result look_up(struct client *client, struct batch_body *body)
{
    const struct http_service *service = client->service;
    const struct batch_terms terms = {
        .format = client->target.format,
        .wait_ms = client->target.wait_ms,
        .max_age_ms = client->conditions.max_age_ms,
        .only_if_cached = client->conditions.only_if_cached,
        .window = service->batch_window,
    };
    struct p0f_addr caller;

    client->batch = batch_new(service->lookup, body, &terms);
    if (!client->batch)
        return MHD_NO;
    if (batch_try(client->batch) ||
        !batch_admit(client->batch, http_caller_if_known(client, &caller)))
        return queue_batch(client);
    http_suspend(client, queue_batch, forget_batch);
    batch_submit(client->batch, on_batch_done, client);
    return MHD_YES;
}

enum MHD_Result serve_hosts(struct client *client)
{
    char error[BATCH_BODY_ERROR_SIZE];

    if (!is_json(client))
        return queue_problem(client, PROBLEM_UNSUPPORTED_TYPE, NULL,
                             "expected a body with Content-Type: application/json, in UTF-8 and "
                             "without a Content-Encoding");
    if (client->target.error == TARGET_BAD_PARAMETER)
        return queue_problem(client, PROBLEM_BAD_PARAMETER, NULL, "%s", client->target.detail);
    if (client->body.failed)
        return MHD_NO;
    const char *bytes = client->body.bytes ? client->body.bytes : "";
    struct batch_body *body =
        batch_body_read(bytes, client->body.length, client->service->max_batch, error);
    http_batch_forget(client); /* it may be large, and p0f slow */
    if (body)
        return look_up(client, body);
    return error[0] ? queue_problem(client, PROBLEM_BAD_BODY, NULL, "%s", error) : MHD_NO;
}
