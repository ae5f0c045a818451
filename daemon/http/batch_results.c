/* SPDX-License-Identifier: MIT */
#include "lookup/batch_private.h"

#include "http/lookup_problem.h"
#include "http/problem.h"

#include <stdlib.h>
#include <string.h>

/* ---- The result of one item */

/* False when out of memory. `detail` is the result's for as long. */
static bool describe(const struct batch *batch, uint32_t i, struct render_result *result,
                     char detail[PROBLEM_DETAIL_SIZE])
{
    const struct batch_item *item = &batch->items[i];
    struct host_record *record = batch->results[i].record;
    enum render_format format = batch->terms.format;
    enum problem problem = PROBLEM_BAD_ADDRESS;

    *result = (struct render_result){.query = item->text, .query_length = item->length};
    if (record && (format != RENDER_PARSED || host_record_valid(record))) {
        const struct host_record_body *body = host_record_body(record, format);
        if (!body)
            return false;
        result->status = 200;
        result->host = body->text;
        result->host_length = body->length;
        return true;
    }
    result->detail = p0f_strerror(item->error);
    if (item->error == P0F_OK) {
        problem = problem_of_lookup(batch->results[i].outcome, &item->addr, detail);
        result->detail = detail;
    }
    result->status = problem_kind(problem)->status;
    result->code = problem_kind(problem)->code;
    return true;
}

void batch_settle(struct batch *batch, uint32_t item)
{
    char detail[PROBLEM_DETAIL_SIZE];
    struct render_result result;

    batch->results[item].known = true;
    if (describe(batch, item, &result, detail))
        batch->length += render_result_length(&result);
    else
        batch->failed = true;
}

/* ---- All of them */

uint64_t batch_length(const struct batch *batch)
{
    return batch->failed ? 0 : batch->length + strlen(RENDER_RESULTS_END);
}

/* The next bytes of a result that is longer than the reader's room. */
static size_t read_piece(struct batch *batch, char *bytes, size_t room)
{
    size_t rest = batch->piece_length - batch->piece_read;
    size_t size = rest < room ? rest : room;

    memcpy(bytes, batch->piece + batch->piece_read, size);
    batch->piece_read += size;
    if (size == rest) {
        free(batch->piece);
        batch->piece = NULL;
    }
    return size;
}

/* The next result, whole. 0: it does not fit; -1: out of memory. */
static ssize_t read_result(struct batch *batch, char *bytes, size_t room, bool alone)
{
    char detail[PROBLEM_DETAIL_SIZE];
    struct render_result result;

    if (!describe(batch, batch->read, &result, detail))
        return -1;
    size_t length = render_result_length(&result);
    if (length <= room) {
        render_result(bytes, &result, batch->read == 0);
        batch->read++;
        return (ssize_t)length;
    }
    if (!alone)
        return 0;
    batch->piece = malloc(length);
    if (!batch->piece)
        return -1;
    render_result(batch->piece, &result, batch->read == 0);
    batch->read++;
    batch->piece_length = length;
    batch->piece_read = 0;
    return (ssize_t)read_piece(batch, bytes, room);
}

static size_t read_end(struct batch *batch, char *bytes, size_t room)
{
    static const char end[] = RENDER_RESULTS_END;
    size_t length = 0;

    if (batch->read > batch->count || room < sizeof end - 1)
        return 0;
    batch->read++;
    for (; end[length]; length++)
        bytes[length] = end[length];
    return length;
}

ssize_t batch_read(struct batch *batch, char *bytes, size_t room)
{
    size_t used = batch->piece ? read_piece(batch, bytes, room) : 0;

    while (!batch->piece && batch->read < batch->count) {
        ssize_t size = read_result(batch, bytes + used, room - used, used == 0);
        if (size < 0)
            return -1;
        if (size == 0)
            return (ssize_t)used;
        used += (size_t)size;
    }
    if (!batch->piece)
        used += read_end(batch, bytes + used, room - used);
    return (ssize_t)used;
}
