#include "batch.h"

#include "metrics.h"
#include "problem.h"
#include "verdict.h"

#include <stdlib.h>

#define AHEAD 8 /* items whose memory is fetched while others are looked at */

/* What came of an item. */
struct result {
    struct answer *answer; /* with LOOKUP_FOUND */
    enum lookup_outcome outcome;
    enum freshness_source source;
    bool known;
};

/* A place in the window. */
struct slot {
    struct lookup_request request; /* first, so that one is the other */
    struct batch *batch;
    struct slot *next; /* among the free ones */
    uint32_t item;
};

struct batch {
    struct lookup *lookup;
    struct batch_body *body;
    const struct batch_item *items;
    struct batch_terms terms;
    struct mono began;
    struct loop_task start;
    struct loop_chore refill;
    void (*done)(void *ctx);
    void *ctx;
    struct slot *slots;
    struct slot *free_slot;
    uint32_t waiting; /* items under way */
    uint32_t next;    /* those before it are answered or under way */
    uint32_t left;    /* not answered by the cache */
    struct flow asker;
    bool place; /* claimed, and not used yet */
    bool filling;
    uint32_t count;
    struct result results[];
};

struct batch *batch_new(struct lookup *lookup, struct batch_body *body,
                        const struct batch_terms *terms)
{
    uint32_t count;
    const struct batch_item *items = batch_body_items(body, &count);
    struct batch *batch = calloc(1, sizeof *batch + count * sizeof(struct result));

    if (!batch) {
        batch_body_free(body);
        return NULL;
    }
    batch->lookup = lookup;
    batch->body = body;
    batch->items = items;
    batch->count = count;
    batch->terms = *terms;
    return batch;
}

void batch_free(struct batch *batch)
{
    if (!batch)
        return;
    for (uint32_t i = 0; i < batch->count; i++)
        answer_unref(batch->results[i].answer);
    batch_body_free(batch->body);
    free(batch->slots);
    free(batch);
}

/* ---- One item */

static struct lookup_request request_for(const struct batch *batch, uint32_t item)
{
    return (struct lookup_request){
        .addr = batch->items[item].addr,
        .wait_ms = batch->terms.wait_ms,
        .max_age_ms = batch->terms.max_age_ms,
        .only_if_cached = batch->terms.only_if_cached,
        .asker = batch->asker,
        .began = batch->began,
    };
}

/* Takes the request's answer over. */
static void keep(struct batch *batch, uint32_t item, const struct lookup_request *request)
{
    batch->results[item] = (struct result){
        .answer = request->answer,
        .outcome = request->outcome,
        .source = request->freshness.source,
        .known = true,
    };
}

static void refuse(struct batch *batch, uint32_t item)
{
    struct lookup_request request = request_for(batch, item);

    request.freshness.source = batch->results[item].source;
    lookup_refuse(batch->lookup, &request);
    keep(batch, item, &request);
}

/* ---- In the owner's thread */

/* Answers what the cache can. Returns how many are left. A batch that is stale as a whole does not
 * send p0f more at once than its window either: the others are served, and refreshed another time. */
static uint32_t recall(struct batch *batch)
{
    uint32_t left = 0, stale = 0, addresses = 0;

    for (uint32_t i = 0; i < batch->count; i++) {
        struct lookup_request request = request_for(batch, i);
        if (i + AHEAD < batch->count)
            lookup_expect(batch->lookup, &batch->items[i + AHEAD].addr);
        addresses += batch->items[i].error == P0F_OK;
        if (batch->items[i].error != P0F_OK) {
            batch->results[i].known = true;
        } else if (lookup_recall(batch->lookup, &request, batch->began,
                                 stale < batch->terms.window)) {
            stale += request.freshness.age_ms >= request.freshness.ttl_ms;
            keep(batch, i, &request);
        } else {
            batch->results[i].source = request.freshness.source;
            left++;
        }
    }
    metrics_add(METRIC_BATCH_HOSTS, addresses);
    return left;
}

static bool make_slots(struct batch *batch)
{
    uint32_t count = batch->left < batch->terms.window ? batch->left : batch->terms.window;

    batch->slots = calloc(count, sizeof(struct slot));
    for (uint32_t i = 0; batch->slots && i < count; i++) {
        batch->slots[i].next = batch->free_slot;
        batch->free_slot = &batch->slots[i];
    }
    return batch->slots;
}

bool batch_try(struct batch *batch)
{
    batch->began = lookup_now(batch->lookup);
    batch->left = recall(batch);
    return batch->left == 0;
}

bool batch_admit(struct batch *batch, const struct p0f_addr *caller)
{
    batch->asker = lookup_asker(batch->lookup, caller);
    /* Without memory for them there is no place for them either. */
    batch->place = make_slots(batch) && lookup_claim(batch->lookup, batch->asker);
    if (batch->place)
        return true;
    for (uint32_t i = 0; i < batch->count; i++)
        if (!batch->results[i].known)
            refuse(batch, i);
    return false;
}

/* ---- In the loop's thread */

/* What is left is looked at at the end of the round, not in the midst of a flight's landing. */
static void on_answered(struct lookup_request *request)
{
    struct slot *slot = (struct slot *)request;
    struct batch *batch = slot->batch;

    keep(batch, slot->item, request);
    slot->next = batch->free_slot;
    batch->free_slot = slot;
    batch->waiting--;
    if (!batch->filling)
        loop_later(lookup_loop(batch->lookup), &batch->refill);
}

/* The batch's first item under way has the place that was claimed for the batch, without which it
 * would not count as pending while it is on its way to this thread. */
static bool find_place(struct batch *batch)
{
    bool found = batch->place || lookup_claim(batch->lookup, batch->asker);

    batch->place = false;
    return found;
}

static void begin(struct batch *batch, uint32_t item)
{
    struct slot *slot = batch->free_slot;

    batch->free_slot = slot->next;
    batch->waiting++;
    slot->batch = batch;
    slot->item = item;
    slot->request = request_for(batch, item);
    slot->request.freshness.source = batch->results[item].source;
    slot->request.done = on_answered;
    lookup_begin(batch->lookup, &slot->request);
}

/* Where others hold every place, one of its own that comes free is waited for; but not theirs. */
static void fill(void *ctx)
{
    struct batch *batch = ctx;

    batch->filling = true;
    for (; batch->next < batch->count && batch->free_slot; batch->next++) {
        if (batch->results[batch->next].known)
            continue;
        if (find_place(batch))
            begin(batch, batch->next);
        else if (batch->waiting == 0)
            refuse(batch, batch->next);
        else
            break;
    }
    batch->filling = false;
    if (batch->waiting == 0)
        batch->done(batch->ctx); /* not ours any more */
}

void batch_submit(struct batch *batch, void (*done)(void *ctx), void *ctx)
{
    batch->done = done;
    batch->ctx = ctx;
    batch->start = (struct loop_task){.run = fill, .ctx = batch};
    batch->refill = (struct loop_chore){.run = fill, .ctx = batch};
    loop_post(lookup_loop(batch->lookup), &batch->start);
}

/* ---- The answer */

/* False when out of memory. `detail` is the result's for as long. */
static bool describe(const struct batch *batch, uint32_t i, struct render_result *result,
                     char detail[VERDICT_DETAIL_SIZE])
{
    const struct batch_item *item = &batch->items[i];
    struct answer *answer = batch->results[i].answer;
    enum render_format format = batch->terms.format;
    enum problem problem = PROBLEM_BAD_ADDRESS;

    *result = (struct render_result){.query = item->text, .query_length = item->length};
    if (answer && (format != RENDER_PARSED || answer_valid(answer))) {
        const struct answer_body *body = answer_body(answer, format);
        if (!body)
            return false;
        result->status = 200;
        result->host = body->text;
        result->host_length = body->length;
        return true;
    }
    result->detail = p0f_strerror(item->error);
    if (item->error == P0F_OK) {
        problem = verdict(batch->results[i].outcome, &item->addr, detail);
        result->detail = detail;
    }
    result->status = problem_kind(problem)->status;
    result->code = problem_kind(problem)->code;
    return true;
}

char *batch_render(const struct batch *batch, size_t *length)
{
    struct render_batch *text = render_batch_start(batch->count);
    struct render_result result;
    char detail[VERDICT_DETAIL_SIZE];
    bool complete = text;

    for (uint32_t i = 0; complete && i < batch->count; i++) {
        complete = describe(batch, i, &result, detail);
        if (complete)
            render_batch_add(text, &result);
    }
    char *whole = text ? render_batch_finish(text, length) : NULL;
    if (complete)
        return whole;
    free(whole);
    return NULL;
}
