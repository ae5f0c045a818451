/* SPDX-License-Identifier: MIT */
#include "http/hosts.h"

#include "http/accept.h"
#include "http/batch_results.h"
#include "http/client_address.h"
#include "http/media_type.h"
#include "http/respond.h"
#include "http/response.h"
#include "http/suspend.h"

#include <stdlib.h>
#include <string.h>

#define ROOM_FIRST 1024
#define SHORT_BYTES 2048        /* a body that is processed at once if little else is to be done */
#define SLICE_ITEMS 64          /* some 50 us */
#define BLOCK_BYTES (16 * 1024) /* of the answer, written at once */
#define LINES_TYPE "application/x-ndjson"

enum post_state {
    POST_GOOD,
    POST_NO_MEMORY,  /* anywhere */
    POST_OVERLOADED, /* service->batch_memory is used up, or the client's share of it */
};

/* A POST /hosts, from its header fields to the last byte of its answer. */
struct post {
    const struct http_service *service;
    struct request *request; /* until the answer is queued */
    struct flow flow;        /* whose it is */
    size_t taken;            /* of service->batch_memory */
    enum post_state state;

    batch_body_reader *read; /* for its Content-Type, or NULL */
    char *bytes;             /* the body received so far */
    size_t length, room;

    char error[BATCH_BODY_ERROR_SIZE]; /* why it cannot be read, or "" */
    struct batch_results *results;     /* its answer */
    struct batch *batch;               /* the lookups behind that */
    struct turn turn;
};

/* NULL when it is of another type, or encoded. */
static batch_body_reader *find_reader(const struct fields *fields)
{
    if (!fields->content_type || fields->encoded)
        return NULL;
    if (media_type_is(fields->content_type, RESPONSE_JSON))
        return batch_body_read_json;
    return media_type_is(fields->content_type, "text/plain") ? batch_body_read_text : NULL;
}

static bool wants_lines(const struct request *request)
{
    return accept_prefers(&request->fields.accept, LINES_TYPE, RESPONSE_JSON);
}

/* ---- Memory, shared between clients */

/* False when none is left for the client. */
static bool take_memory(struct post *post, size_t bytes)
{
    if (!budget_take(post->service->batch_memory, post->flow, bytes)) {
        post->state = POST_OVERLOADED;
        return false;
    }
    post->taken += bytes;
    return true;
}

static void give(struct post *post, size_t bytes)
{
    budget_give(post->service->batch_memory, post->flow, bytes);
    post->taken -= bytes;
}

static void drop_body(struct post *post)
{
    free(post->bytes);
    give(post, post->room);
    post->bytes = NULL;
    post->length = post->room = 0;
}

static void post_free(void *ctx)
{
    struct post *post = ctx;

    if (!post)
        return;
    drop_body(post);
    batch_results_free(post->results);
    give(post, post->taken);
    free(post);
}

static void release_post(struct request *request)
{
    post_free(request->state);
}

/* ---- The body */

bool hosts_begin(struct request *request)
{
    struct post *post = calloc(1, sizeof *post);
    struct p0f_addr caller;

    if (!post)
        return false;
    request->state = post;
    request->release = release_post;
    post->service = request->client->service;
    post->request = request;
    post->flow = lookup_flow(request->client->service->lookup, client_address(request, &caller));
    post->read = find_reader(&request->fields);
    return true;
}

/* Grows with what is received, not to what was announced: announcing costs a client nothing. */
static bool grow_body(struct post *post, size_t length)
{
    size_t room = post->room ? post->room : ROOM_FIRST;
    char *bytes;

    while (room < length)
        room *= 2;
    if (room == post->room)
        return true;
    if (!take_memory(post, room - post->room))
        return false;
    bytes = realloc(post->bytes, room);
    if (!bytes) {
        give(post, room - post->room);
        post->state = POST_NO_MEMORY;
        return false;
    }
    post->bytes = bytes;
    post->room = room;
    return true;
}

void hosts_take(struct request *request, const char *bytes, size_t length)
{
    struct post *post = request->state;

    if (post->state != POST_GOOD || !post->read ||
        length > post->service->batch_bytes - post->length)
        return; /* it is refused once it has been received */
    if (!grow_body(post, post->length + length)) {
        drop_body(post);
        return;
    }
    memcpy(post->bytes + post->length, bytes, length);
    post->length += length;
}

/* ---- The answer */

static ssize_t read_answer(void *ctx, uint64_t position, char *bytes, size_t room)
{
    struct post *post = ctx;
    ssize_t size = batch_results_read(post->results, bytes, room);

    (void)position; /* every byte is read once, in order */
    return size > 0 ? size : MHD_CONTENT_READER_END_WITH_ERROR;
}

/* The answer is rendered as the client reads it: half a megabyte for a thousand hosts is much to keep for
 * a slow client, and takes long to write while others wait. */
static enum MHD_Result respond_answer(struct request *request)
{
    struct post *post = request->state;
    uint64_t length = batch_results_length(post->results);

    if (length == 0)
        return MHD_NO;
    request->state = NULL;
    post->request = NULL;
    struct MHD_Response *response =
        MHD_create_response_from_callback(length, BLOCK_BYTES, read_answer, post, post_free);
    if (!response)
        post_free(post);
    response_add(&response, "Content-Type", wants_lines(request) ? LINES_TYPE : RESPONSE_JSON);
    response_add(&response, "Cache-Control", "no-store");
    return respond(request, MHD_HTTP_OK, response);
}

static enum MHD_Result respond_unsupported_type(struct request *request)
{
    struct MHD_Response *response = response_problem(
        PROBLEM_UNSUPPORTED_TYPE, NULL,
        "expected Content-Type: application/json or text/plain, in UTF-8 and without "
        "Content-Encoding",
        NULL);

    response_add(&response, "Accept", RESPONSE_JSON ", text/plain");
    return respond(request, problem_kind(PROBLEM_UNSUPPORTED_TYPE)->status, response);
}

static enum MHD_Result respond_post(struct request *request)
{
    const struct post *post = request->state;

    if (post->state == POST_OVERLOADED)
        return respond_problem(request, PROBLEM_OVERLOADED, NULL, "too many batches in progress");
    if (post->error[0])
        return respond_problem(request, PROBLEM_BAD_BODY, NULL, "%s", post->error);
    return post->state == POST_GOOD ? respond_answer(request) : MHD_NO;
}

/* In the loop's thread. After the resume the request may be gone at any moment. */
static void on_batch_done(void *ctx)
{
    http_resume(ctx);
}

static void end_batch_early(struct request *request, bool for_good)
{
    const struct post *post = request->state;

    batch_end_early(post->batch, for_good);
}

/* ---- The work, slice by slice */

/* False when there is no batch to answer. */
static bool read_body(struct post *post)
{
    const struct request *request = post->request;
    const struct batch_terms terms = {
        .wait_ms = request->target.wait_ms,
        .max_age_ms = request->fields.directives.max_age_ms,
        .only_if_cached = request->fields.directives.only_if_cached,
        .window = post->service->batch_window,
    };
    struct batch_body *body = post->read(post->bytes ? post->bytes : "", post->length,
                                         post->service->max_batch, post->error);

    drop_body(post); /* it may be large, and p0f may be slow */
    if (body)
        post->results =
            batch_results_new(post->service->lookup, body, &terms, request->target.format,
                              wants_lines(request) ? RENDER_RESULTS_LINES : RENDER_RESULTS_ARRAY);
    if (post->results)
        post->batch = batch_results_batch(post->results);
    else if (!post->error[0])
        post->state = POST_NO_MEMORY;
    return post->results && take_memory(post, batch_results_size(post->results) + BLOCK_BYTES);
}

/* Does one slice. True: that was all. */
static bool work(struct post *post)
{
    return post->batch ? batch_recall(post->batch, SLICE_ITEMS) : !read_body(post);
}

static bool needs_p0f(struct post *post)
{
    return post->state == POST_GOOD && post->batch && !batch_answered(post->batch) &&
           batch_admit(post->batch, post->flow);
}

static bool work_in_turn(void *ctx)
{
    struct post *post = ctx;
    struct request *request = post->request;

    if (!work(post))
        return false;
    if (needs_p0f(post)) {
        http_watch(request, end_batch_early);
        batch_submit(post->batch, on_batch_done, request);
    } else {
        http_resume(request);
    }
    return true;
}

static enum MHD_Result work_at_once(struct request *request)
{
    struct post *post = request->state;

    while (!work(post))
        ;
    if (!needs_p0f(post))
        return respond_post(request);
    http_suspend(request, respond_post);
    http_watch(request, end_batch_early);
    batch_submit(post->batch, on_batch_done, request);
    return MHD_YES;
}

enum MHD_Result serve_hosts(struct request *request)
{
    struct post *post = request->state;
    struct turns *turns = http_worker_turns(request->client->worker);

    if (!post->read)
        return respond_unsupported_type(request);
    if (request->target.error != TARGET_OK)
        return respond_bad_target(request);
    if (post->state != POST_GOOD)
        return respond_post(request);
    if (post->length <= SHORT_BYTES && turns_spare(turns))
        return work_at_once(request);
    http_suspend(request, respond_post);
    post->turn = (struct turn){.work = work_in_turn, .ctx = post};
    turns_add(turns, &post->turn, post->flow.numbers[post->flow.widths - 1]);
    return MHD_YES;
}
