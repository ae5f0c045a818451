/* SPDX-License-Identifier: MIT */
#include "http/batch_results.h"

#include "http/lookup_problem.h"
#include "http/problem.h"
#include "net/address_fault.h"

#include <stdlib.h>
#include <string.h>

struct batch_results {
    struct batch *batch;
    struct batch_body *body;
    const struct batch_item *items;
    uint32_t count;
    enum render_format format;
    enum render_results form;
    uint64_t length;     /* of the results that are known */
    bool failed;         /* out of memory for one of them */
    uint32_t read;       /* results before it have been read */
    char *piece;         /* a result that was too long to be read at once, or NULL */
    size_t piece_length; /* its bytes */
    size_t piece_read;   /* of them, how many have been read */
};

/* ---- The result of one item */

static bool is_host(const struct batch_results *results, const struct host_record *record)
{
    return record && (results->format != RENDER_PARSED || host_record_valid(record));
}

static bool describe_host(const struct batch_results *results, struct host_record *record,
                          struct render_result *result)
{
    const struct host_record_body *body = host_record_body(record, results->format);

    if (!body)
        return false;
    result->status = 200;
    result->host = body->text;
    result->host_length = body->length;
    return true;
}

/* False when out of memory. `result` refers to `detail`. */
static bool describe(const struct batch_results *results, uint32_t i, struct render_result *result,
                     char detail[PROBLEM_DETAIL_SIZE])
{
    const struct batch_item *item = &results->items[i];
    enum problem problem = PROBLEM_BAD_ADDRESS;

    *result = (struct render_result){.query = item->text, .query_length = item->length};
    if (item->error == P0F_OK) {
        struct batch_result found = batch_result(results->batch, i);
        if (is_host(results, found.record))
            return describe_host(results, found.record, result);
        problem = problem_of_lookup(found.outcome, &item->addr, detail);
    } else {
        _Static_assert(PROBLEM_DETAIL_SIZE >= ADDRESS_FAULT_SIZE, "it takes the explanation");
        address_fault(item->text, item->length, detail);
    }
    result->detail = detail;
    result->status = problem_kind(problem)->status;
    result->code = problem_kind(problem)->code;
    return true;
}

/* Adds the length of a result, which is known from now on. */
static void add_length(void *ctx, uint32_t item)
{
    struct batch_results *results = ctx;
    char detail[PROBLEM_DETAIL_SIZE];
    struct render_result result;

    if (describe(results, item, &result, detail))
        results->length += render_result_length(&result);
    else
        results->failed = true;
}

/* ---- All of them */

static bool make_batch(struct batch_results *results, struct lookup *lookup,
                       const struct batch_terms *terms)
{
    results->batch = batch_new(&(struct batch_options){.lookup = lookup,
                                                       .count = results->count,
                                                       .terms = *terms,
                                                       .known = add_length,
                                                       .ctx = results});
    if (!results->batch)
        return false;
    for (uint32_t i = 0; i < results->count; i++) {
        if (results->items[i].error == P0F_OK)
            batch_set_address(results->batch, i, &results->items[i].addr);
        else
            add_length(results, i);
    }
    return true;
}

struct batch_results *batch_results_new(struct lookup *lookup, struct batch_body *body,
                                        const struct batch_terms *terms, enum render_format format,
                                        enum render_results form)
{
    struct batch_results *results = calloc(1, sizeof *results);

    if (!results) {
        batch_body_free(body);
        return NULL;
    }
    results->body = body;
    results->items = batch_body_items(body, &results->count);
    results->format = format;
    results->form = form;
    if (!make_batch(results, lookup, terms)) {
        batch_results_free(results);
        return NULL;
    }
    return results;
}

void batch_results_free(struct batch_results *results)
{
    if (!results)
        return;
    batch_free(results->batch);
    batch_body_free(results->body);
    free(results->piece);
    free(results);
}

struct batch *batch_results_batch(struct batch_results *results)
{
    return results->batch;
}

size_t batch_results_size(const struct batch_results *results)
{
    return sizeof *results + batch_size(results->batch) + batch_body_size(results->body);
}

uint64_t batch_results_length(const struct batch_results *results)
{
    return results->failed ? 0 : results->length + strlen(render_results_end(results->form));
}

/* The next bytes of a result that is longer than the reader's room. */
static size_t read_piece(struct batch_results *results, char *bytes, size_t room)
{
    size_t rest = results->piece_length - results->piece_read;
    size_t size = rest < room ? rest : room;

    memcpy(bytes, results->piece + results->piece_read, size);
    results->piece_read += size;
    if (size == rest) {
        free(results->piece);
        results->piece = NULL;
    }
    return size;
}

/* The next result, whole. 0: it does not fit; -1: out of memory. */
static ssize_t read_result(struct batch_results *results, char *bytes, size_t room, bool alone)
{
    char detail[PROBLEM_DETAIL_SIZE];
    struct render_result result;

    if (!describe(results, results->read, &result, detail))
        return -1;
    size_t length = render_result_length(&result);
    if (length <= room) {
        render_result(bytes, &result, results->form, results->read == 0);
        results->read++;
        return (ssize_t)length;
    }
    if (!alone)
        return 0;
    results->piece = malloc(length);
    if (!results->piece)
        return -1;
    render_result(results->piece, &result, results->form, results->read == 0);
    results->read++;
    results->piece_length = length;
    results->piece_read = 0;
    return (ssize_t)read_piece(results, bytes, room);
}

static size_t read_end(struct batch_results *results, char *bytes, size_t room)
{
    const char *end = render_results_end(results->form);
    size_t length = strlen(end);

    if (results->read > results->count || room < length)
        return 0;
    results->read++;
    for (size_t i = 0; i < length; i++) /* the stream has no NUL at its end */
        bytes[i] = end[i];
    return length;
}

ssize_t batch_results_read(struct batch_results *results, char *bytes, size_t room)
{
    size_t used = results->piece ? read_piece(results, bytes, room) : 0;

    while (!results->piece && results->read < results->count) {
        ssize_t size = read_result(results, bytes + used, room - used, used == 0);
        if (size < 0)
            return -1;
        if (size == 0)
            return (ssize_t)used;
        used += (size_t)size;
    }
    if (!results->piece)
        used += read_end(results, bytes + used, room - used);
    return (ssize_t)used;
}
