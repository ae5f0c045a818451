/* SPDX-License-Identifier: MIT */
#include "lookup/batch.h"

#include "core/metrics.h"
#include "lookup/fetch.h"

#include <stdlib.h>

#define AHEAD 8 /* items between the one that is looked up and the one that is prefetched */

/* There may be a thousand in a batch, and many batches: 32 bytes. */
struct item {
    struct host_record *record; /* with LOOKUP_FOUND */
    struct p0f_addr addr;
    bool has_addr, known;
    enum lookup_outcome outcome : 8;
    enum freshness_source source : 8;
};

/* A lookup under way. */
struct slot {
    struct lookup_request request; /* first, so that one is the other */
    struct batch *batch;
    SLIST_ENTRY(slot) link; /* among the free ones */
    uint32_t item;
    bool busy;
};

struct batch {
    struct batch_options options;
    struct boottime came;
    struct mono began;
    struct loop_task start;
    struct loop_chore refill;
    void (*done)(void *ctx);
    void *ctx;
    struct slot *slots; /* the window */
    SLIST_HEAD(, slot) free_slots;
    uint32_t slot_count;
    uint32_t recalled; /* items before it have been looked for in the cache */
    uint32_t stale;    /* of those, how many were served though they had expired */
    uint32_t waiting;  /* items under way */
    uint32_t next;     /* those before it are known or under way */
    uint32_t left;     /* not answered by the cache */
    struct flow flow;
    bool claimed; /* the batch counts as pending, and no item does yet */
    bool filling;
    bool cancelled;
    struct item items[];
};

struct batch *batch_new(const struct batch_options *options)
{
    struct batch *batch = calloc(1, sizeof *batch + options->count * sizeof(struct item));

    if (batch)
        batch->options = *options;
    return batch;
}

void batch_free(struct batch *batch)
{
    if (!batch)
        return;
    for (uint32_t i = 0; i < batch->options.count; i++)
        host_record_unref(batch->items[i].record);
    free(batch->slots);
    free(batch);
}

void batch_set_address(struct batch *batch, uint32_t item, const struct p0f_addr *addr)
{
    batch->items[item].addr = *addr;
    batch->items[item].has_addr = true;
}

size_t batch_size(const struct batch *batch)
{
    return sizeof *batch + batch->options.count * sizeof(struct item);
}

struct batch_result batch_result(const struct batch *batch, uint32_t item)
{
    return (struct batch_result){.record = batch->items[item].record,
                                 .outcome = batch->items[item].outcome};
}

/* ---- One item */

static struct lookup_request request_for(const struct batch *batch, uint32_t item)
{
    return (struct lookup_request){
        .addr = batch->items[item].addr,
        .wait_ms = batch->options.terms.wait_ms,
        .max_age_ms = batch->options.terms.max_age_ms,
        .only_if_cached = batch->options.terms.only_if_cached,
        .flow = batch->flow,
        .came = batch->came,
        .began = batch->began,
    };
}

/* Takes the request's answer over. */
static void keep(struct batch *batch, uint32_t item, const struct lookup_request *request)
{
    batch->items[item].record = request->record;
    batch->items[item].outcome = request->outcome;
    batch->items[item].known = true;
    batch->options.known(batch->options.ctx, item);
}

static void refuse_item(struct batch *batch, uint32_t item)
{
    struct lookup_request request = request_for(batch, item);

    request.freshness.source = batch->items[item].source;
    lookup_refuse(batch->options.lookup, &request);
    keep(batch, item, &request);
}

/* ---- In the owner's thread */

/* Stale hosts are served and refreshed in the background, a window of them at most: the others are
 * refreshed another time. */
static void recall_item(struct batch *batch, uint32_t item)
{
    struct lookup_request request = request_for(batch, item);

    if (item + AHEAD < batch->options.count && batch->items[item + AHEAD].has_addr)
        lookup_prefetch(batch->options.lookup, &batch->items[item + AHEAD].addr);
    if (!batch->items[item].has_addr)
        return;
    metrics_count(METRIC_BATCH_HOSTS);
    if (lookup_recall(batch->options.lookup, &request,
                      batch->stale < batch->options.terms.window)) {
        batch->stale += request.freshness.age_ms >= request.freshness.ttl_ms;
        keep(batch, item, &request);
    } else {
        batch->items[item].source = request.freshness.source;
        batch->left++;
    }
}

bool batch_recall(struct batch *batch, uint32_t items)
{
    if (batch->recalled == 0) {
        batch->came = lookup_boottime(batch->options.lookup);
        batch->began = lookup_mono(batch->options.lookup);
    }
    for (; items > 0 && batch->recalled < batch->options.count; items--)
        recall_item(batch, batch->recalled++);
    return batch->recalled == batch->options.count;
}

bool batch_answered(const struct batch *batch)
{
    return batch->left == 0;
}

static bool make_slots(struct batch *batch)
{
    uint32_t window = batch->options.terms.window;
    uint32_t count = batch->left < window ? batch->left : window;

    batch->slots = calloc(count, sizeof(struct slot));
    batch->slot_count = batch->slots ? count : 0;
    for (uint32_t i = 0; i < batch->slot_count; i++)
        SLIST_INSERT_HEAD(&batch->free_slots, &batch->slots[i], link);
    return batch->slots;
}

static bool is_unanswered(const struct item *item)
{
    return item->has_addr && !item->known;
}

static bool claim_lookup(struct batch *batch)
{
    return admission_claim(lookup_admission(batch->options.lookup), batch->flow);
}

bool batch_admit(struct batch *batch, struct flow client)
{
    batch->flow = client;
    /* Out of memory for the window is overload, too. */
    batch->claimed = make_slots(batch) && claim_lookup(batch);
    if (batch->claimed)
        return true;
    for (uint32_t i = 0; i < batch->options.count; i++)
        if (is_unanswered(&batch->items[i]))
            refuse_item(batch, i);
    return false;
}

/* ---- In the loop's thread */

/* The next items begin at the end of the round, not amid a flight's callbacks. */
static void on_answered(struct lookup_request *request)
{
    struct slot *slot = (struct slot *)request;
    struct batch *batch = slot->batch;

    keep(batch, slot->item, request);
    slot->busy = false;
    SLIST_INSERT_HEAD(&batch->free_slots, slot, link);
    batch->waiting--;
    if (!batch->filling)
        loop_later(lookup_loop(batch->options.lookup), &batch->refill);
}

/* The first item takes over what batch_admit() has claimed, so that the batch counts as pending while
 * it is on its way to this thread. */
static bool claim_for_item(struct batch *batch)
{
    bool claimed = batch->claimed || claim_lookup(batch);

    batch->claimed = false;
    return claimed;
}

static void begin_item(struct batch *batch, uint32_t item)
{
    struct slot *slot = SLIST_FIRST(&batch->free_slots);

    SLIST_REMOVE_HEAD(&batch->free_slots, link);
    batch->waiting++;
    slot->batch = batch;
    slot->item = item;
    slot->busy = true;
    slot->request = request_for(batch, item);
    slot->request.freshness.source = batch->items[item].source;
    slot->request.done = on_answered;
    lookup_begin(batch->options.lookup, &slot->request);
}

/* Nobody will read its result. */
static void drop_item(struct batch *batch, uint32_t item)
{
    struct lookup_request request = request_for(batch, item);

    request.freshness.source = batch->items[item].source;
    lookup_drop(&request);
    keep(batch, item, &request);
}

/* When the limits are reached, the next item waits for one of the batch's own to end; if none is under
 * way, it is refused. */
static void fill(void *ctx)
{
    struct batch *batch = ctx;

    batch->filling = true;
    for (; batch->next < batch->options.count && !SLIST_EMPTY(&batch->free_slots); batch->next++) {
        if (!is_unanswered(&batch->items[batch->next]))
            continue;
        if (batch->cancelled)
            drop_item(batch, batch->next);
        else if (claim_for_item(batch))
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
    loop_post(lookup_loop(batch->options.lookup), &batch->start);
}

void batch_end_early(struct batch *batch, bool for_good)
{
    batch->cancelled = for_good;
    batch->options.terms.wait_ms = 0;
    /* A slot that ends here only asks for a refill: done() is not called before all have ended. */
    for (uint32_t i = 0; i < batch->slot_count; i++) {
        if (!batch->slots[i].busy)
            continue;
        if (for_good)
            fetch_cancel(&batch->slots[i].request);
        else
            fetch_cut_short(&batch->slots[i].request);
    }
}
