/* SPDX-License-Identifier: MIT */
/* A lookup with its cache and pool before the stage's p0f, and visitors who ask it. */
#ifndef LOOKUP_FIXTURE_H
#define LOOKUP_FIXTURE_H

#include "lookup/fetch.h"
#include "lookup/lookup.h"

#include "../../support/c/stage.h"

static struct sensors *sensors;
static struct recall *recall;
static struct lookup *lookup;
static const struct p0f_addr *caller; /* of whoever asks; NULL: nameless */

struct visitor {
    struct lookup_request request; /* first, so that one is the other */
    unsigned done;
};

/* The rest, once there are sensors. */
static inline void setup_lookup(struct share *share)
{
    /* ttl, incomplete, negative, stale_while_revalidate, stale_if_error */
    const struct recall_options recall_options = {
        .max_hosts = 9, .max_misses = 9, .times = {30000, 2000, 1000, 30000, 3600000}};
    const struct lookup_limits limits = {
        .timeout = 1000, .first_contact_wait = 20, .max_pending = 3};

    recall = recall_new(&recall_options);
    lookup =
        lookup_new(stage.loop, recall, &(struct gather_parts){.sensors = sensors, .share = share},
                   stage_boottime, (struct hash_key){1, 2}, &limits);
    cr_assert(sensors && recall && lookup);
    stage_settle();
}

static inline void setup_with_connections(unsigned connections)
{
    caller = NULL;
    stage_open();
    stage_p0f_start();
    const struct sensors_options sensors_options = {
        .sensors = {{.name = "", .socket = stage.p0f.socket.path}},
        .count = 1,
        .connections = connections,
        .pipeline = 16};
    sensors = sensors_new(stage.loop, &sensors_options);
    setup_lookup(NULL);
}

static inline void setup(void)
{
    setup_with_connections(1);
}

static inline void ignore(void *ctx)
{
    (void)ctx;
}

static inline void teardown(void)
{
    stage.holding = false;
    stage_settle();
    cr_assert_eq(lookup_pending(lookup), 0);
    sensors_retire(sensors, ignore, NULL);
    stage_settle();
    lookup_free(lookup);
    sensors_free(sensors);
    recall_free(recall);
    stage_close();
}

static inline void on_done(struct lookup_request *request)
{
    ((struct visitor *)request)->done++;
}

static inline void arrive(struct visitor *visitor, const char *addr)
{
    *visitor = (struct visitor){.request = {.addr = stage_addr(addr),
                                            .wait_ms = LOOKUP_WAIT_UNSET,
                                            .max_age_ms = LOOKUP_MAX_AGE_UNSET,
                                            .done = on_done}};
}

/* True: answered at once. */
static inline bool ask(struct visitor *visitor)
{
    visitor->request.came = lookup_boottime(lookup);
    if (lookup_recall(lookup, &visitor->request, true))
        return true;
    visitor->request.began = lookup_mono(lookup);
    visitor->request.flow = lookup_flow(lookup, caller);
    if (!lookup_admit(lookup, &visitor->request))
        return true;
    lookup_submit(lookup, &visitor->request);
    return false;
}

static inline void ask_p0f(struct visitor *visitor, const char *addr)
{
    arrive(visitor, addr);
    cr_assert_not(ask(visitor), "%s was answered at once", addr);
    stage_settle();
}

static inline void expect(struct visitor *visitor, enum lookup_outcome outcome)
{
    cr_assert_eq(visitor->request.outcome, outcome, "outcome %d", (int)visitor->request.outcome);
    cr_assert_eq(visitor->request.record != NULL, outcome == LOOKUP_FOUND);
    host_record_unref(visitor->request.record);
    visitor->request.record = NULL;
}

static inline void expect_done(struct visitor *visitor, enum lookup_outcome outcome)
{
    cr_assert_eq(visitor->done, 1);
    expect(visitor, outcome);
}

#endif
