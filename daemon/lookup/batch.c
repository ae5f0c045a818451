/* SPDX-License-Identifier: MIT */
#include "lookup/batch_private.h"

#include "core/metrics.h"
#include "lookup/fetch.h"

#include <stdlib.h>

#define AHEAD 8 /* items whose memory is fetched while others are looked at */

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
        host_record_unref(batch->results[i].record);
    batch_body_free(batch->body);
    free(batch->slots);
    free(batch->piece);
    free(batch);
}

size_t batch_size(const struct batch *batch)
{
    return sizeof *batch + batch->count * sizeof(struct result) + batch_body_size(batch->body);
}

/* ---- One item */

static struct lookup_request request_for(const struct batch *batch, uint32_t item)
{
    return (struct lookup_request){
        .addr = batch->items[item].addr,
        .wait_ms = batch->terms.wait_ms,
        .max_age_ms = batch->terms.max_age_ms,
        .only_if_cached = batch->terms.only_if_cached,
        .flow = batch->flow,
        .began = batch->began,
        .in_batch = true,
    };
}

/* Takes the request's answer over. */
static void keep(struct batch *batch, uint32_t item, const struct lookup_request *request)
{
    batch->results[item] = (struct result){
        .record = request->record,
        .outcome = request->outcome,
        .source = request->freshness.source,
    };
    batch_settle(batch, item);
}

static void refuse_item(struct batch *batch, uint32_t item)
{
    struct lookup_request request = request_for(batch, item);

    request.freshness.source = batch->results[item].source;
    lookup_refuse(batch->lookup, &request);
    keep(batch, item, &request);
}

/* ---- In the owner's thread */

/* A batch that is stale as a whole does not send p0f more at once than its window either: the others
 * are served, and refreshed another time. */
static void recall_item(struct batch *batch, uint32_t item)
{
    struct lookup_request request = request_for(batch, item);

    if (item + AHEAD < batch->count)
        lookup_prefetch(batch->lookup, &batch->items[item + AHEAD].addr);
    if (batch->items[item].error != P0F_OK) {
        batch_settle(batch, item);
        return;
    }
    metrics_count(METRIC_BATCH_HOSTS);
    if (lookup_recall(batch->lookup, &request, batch->stale < batch->terms.window)) {
        batch->stale += request.freshness.age_ms >= request.freshness.ttl_ms;
        keep(batch, item, &request);
    } else {
        batch->results[item].source = request.freshness.source;
        batch->left++;
    }
}

bool batch_recall(struct batch *batch, uint32_t items)
{
    if (batch->recalled == 0)
        batch->began = lookup_now(batch->lookup);
    for (; items > 0 && batch->recalled < batch->count; items--)
        recall_item(batch, batch->recalled++);
    return batch->recalled == batch->count;
}

bool batch_answered(const struct batch *batch)
{
    return batch->left == 0;
}

static bool make_slots(struct batch *batch)
{
    uint32_t count = batch->left < batch->terms.window ? batch->left : batch->terms.window;

    batch->slots = calloc(count, sizeof(struct slot));
    batch->slot_count = batch->slots ? count : 0;
    for (uint32_t i = 0; batch->slots && i < count; i++) {
        batch->slots[i].next = batch->free_slot;
        batch->free_slot = &batch->slots[i];
    }
    return batch->slots;
}

bool batch_admit(struct batch *batch, struct flow client)
{
    batch->flow = client;
    /* Without memory for them there is no place for them either. */
    batch->place =
        make_slots(batch) && admission_claim(lookup_admission(batch->lookup), batch->flow);
    if (batch->place)
        return true;
    for (uint32_t i = 0; i < batch->count; i++)
        if (!batch->results[i].known)
            refuse_item(batch, i);
    return false;
}

/* ---- In the loop's thread */

/* What is left is looked at at the end of the round, not in the midst of a flight's landing. */
static void on_answered(struct lookup_request *request)
{
    struct slot *slot = (struct slot *)request;
    struct batch *batch = slot->batch;

    keep(batch, slot->item, request);
    slot->busy = false;
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
    bool found = batch->place || admission_claim(lookup_admission(batch->lookup), batch->flow);

    batch->place = false;
    return found;
}

static void begin_item(struct batch *batch, uint32_t item)
{
    struct slot *slot = batch->free_slot;

    batch->free_slot = slot->next;
    batch->waiting++;
    slot->batch = batch;
    slot->item = item;
    slot->busy = true;
    slot->request = request_for(batch, item);
    slot->request.freshness.source = batch->results[item].source;
    slot->request.done = on_answered;
    lookup_begin(batch->lookup, &slot->request);
}

/* Nobody will read what came of it. */
static void drop_item(struct batch *batch, uint32_t item)
{
    struct lookup_request request = request_for(batch, item);

    request.freshness.source = batch->results[item].source;
    lookup_drop(&request);
    keep(batch, item, &request);
}

/* Where others hold every place, one of its own that comes free is waited for; but not theirs. */
static void fill(void *ctx)
{
    struct batch *batch = ctx;

    batch->filling = true;
    for (; batch->next < batch->count && batch->free_slot; batch->next++) {
        if (batch->results[batch->next].known)
            continue;
        if (batch->cancelled)
            drop_item(batch, batch->next);
        else if (find_place(batch))
            begin_item(batch, batch->next);
        else if (batch->waiting == 0)
            refuse_item(batch, batch->next);
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

void batch_end_early(struct batch *batch, bool for_good)
{
    batch->cancelled = for_good;
    batch->terms.wait_ms = 0;
    /* Done when all have ended, and no earlier: what ends asks for the next round. */
    for (uint32_t i = 0; i < batch->slot_count; i++) {
        if (!batch->slots[i].busy)
            continue;
        if (for_good)
            fetch_cancel(&batch->slots[i].request);
        else
            fetch_cut_short(&batch->slots[i].request);
    }
}
