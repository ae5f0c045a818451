#include "http_batch.h"

#include "http_queue.h"
#include "media_type.h"

#include <stdlib.h>
#include <string.h>

#define BYTES_A_HOST 64
#define BYTES_LEAST (64 * 1024)
#define ROOM_FIRST 1024

size_t http_batch_most(uint32_t max_batch)
{
    size_t bytes = (size_t)max_batch * BYTES_A_HOST;

    return bytes > BYTES_LEAST ? bytes : BYTES_LEAST;
}

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
    if (length > client->service->batch_most - body->length ||
        !make_room(body, body->length + length)) {
        http_batch_forget(client);
        body->failed = true;
        return;
    }
    memcpy(body->bytes + body->length, bytes, length);
    body->length += length;
}

/* ---- The answer */

/* TO BE FILLED IN with the batch core: until then the connection is closed. The body is
 * client->body, any bytes; format and wait are in client->target. */
static enum MHD_Result queue_batch(struct client *client)
{
    (void)client;
    return MHD_NO;
}

enum MHD_Result serve_hosts(struct client *client)
{
    if (!is_json(client))
        return queue_problem(client, PROBLEM_UNSUPPORTED_TYPE, NULL,
                             "expected a body with Content-Type: application/json, in UTF-8 and "
                             "without a Content-Encoding");
    if (client->target.error == TARGET_BAD_PARAMETER)
        return queue_problem(client, PROBLEM_BAD_PARAMETER, NULL, "%s", client->target.detail);
    if (client->body.failed)
        return MHD_NO;
    return queue_batch(client);
}
