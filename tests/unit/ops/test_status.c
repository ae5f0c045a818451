/* SPDX-License-Identifier: MIT */
#include "ops/status.h"

#include "../lookup/lookup_fixture.h"

#include <pthread.h>

static struct status *status;

struct looker {
    struct status_request request; /* first, so that one is the other */
    unsigned done;
};

static void on_gathered(struct status_request *request)
{
    ((struct looker *)request)->done++;
}

static struct config_snapshot *settings_of(const char *ttl)
{
    struct config_snapshot *snapshot = config_snapshot_new();

    config_snapshot_add(snapshot, "cache", "ttl", ttl);
    return snapshot;
}

static void open_status(void)
{
    setup();
    status = status_new(&(struct status_options){.loop = stage.loop,
                                                 .boottime = stage_boottime,
                                                 .recall = recall,
                                                 .lookup = lookup,
                                                 .sensors = sensors,
                                                 .max_hosts = 9,
                                                 .max_misses = 8,
                                                 .version = "1.2.3",
                                                 .started = 1700000000});
    cr_assert_not_null(status);
    status_set_configuration(status, settings_of("30s"));
}

static void close_status(void)
{
    cr_assert_eq(status_pending(status), 0);
    status_free(status);
    teardown();
}

static void gather(struct looker *looker)
{
    *looker = (struct looker){.request = {.done = on_gathered}};
    status_gather(status, &looker->request);
}

/* For status_snapshot_free(). */
static struct status_snapshot *look(void)
{
    struct looker looker;

    gather(&looker);
    stage_settle();
    cr_assert_eq(looker.done, 1);
    cr_assert_not_null(looker.request.snapshot);
    return looker.request.snapshot;
}

/* So that it began when it says. */
Test(status, the_uptime_includes_the_time_suspended)
{
    open_status();
    stage_pass(1000);
    stage_suspend(3600000);
    struct status_snapshot *now = look();
    cr_assert_eq(now->uptime, 3601000);
    status_snapshot_free(now);
    close_status();
}

Test(status, shows_how_things_stand)
{
    struct visitor known, unknown, waiting;

    open_status();
    ask_p0f(&known, "10.0.0.1");
    expect_done(&known, LOOKUP_FOUND);
    ask_p0f(&unknown, "192.0.2.1");
    stage_pass(20);
    stage_pass(4980);
    expect_done(&unknown, LOOKUP_NO_MATCH);
    stage.holding = true;
    ask_p0f(&waiting, "10.0.0.2");
    struct status_snapshot *now = look();
    cr_assert_str_eq(now->version, "1.2.3");
    cr_assert_eq(now->started, 1700000000);
    cr_assert_eq(now->uptime, 5000);
    cr_assert_eq(now->cache.hosts, 1);
    cr_assert_eq(now->cache.misses, 1);
    cr_assert_eq(now->max_hosts, 9);
    cr_assert_eq(now->max_misses, 8);
    cr_assert_eq(now->lookups.pending, 1);
    cr_assert_eq(now->lookups.max_pending, 3);
    cr_assert_eq(now->lookups.flights, 1);
    cr_assert_eq(now->sensors_count, 1);
    cr_assert_str_empty(now->sensors[0].name);
    cr_assert_null(now->share);
    cr_assert(now->sensors[0].pool.up);
    cr_assert_eq(now->sensors[0].pool.connections, 1);
    cr_assert_eq(now->sensors[0].pool.outstanding, 1);
    stage.holding = false;
    stage_settle();
    expect_done(&waiting, LOOKUP_FOUND);
    cr_assert_eq(now->lookups.pending, 1, "a snapshot stays as it is");
    status_snapshot_free(now);
    close_status();
}

static void on_two_drained(void *ctx)
{
    *(bool *)ctx = true;
}

Test(status, shows_each_sensor)
{
    const struct sensors_options options = {
        .sensors = {{"wan", stage.p0f.socket.path}, {"lan", "/nonexistent/lan"}},
        .count = 2,
        .connections = 3,
        .pipeline = 1};
    bool drained = false;

    open_status();
    struct sensors *two = sensors_new(stage.loop, &options);
    struct status *status_of_two = status_new(&(struct status_options){.loop = stage.loop,
                                                                       .boottime = stage_boottime,
                                                                       .recall = recall,
                                                                       .lookup = lookup,
                                                                       .sensors = two});
    struct looker looker = {.request = {.done = on_gathered}};
    cr_assert(two && status_of_two);
    status_set_configuration(status_of_two, settings_of("30s"));
    stage_settle();
    status_gather(status_of_two, &looker.request);
    stage_settle();
    const struct status_snapshot *now = looker.request.snapshot;
    cr_assert_eq(now->sensors_count, 2);
    cr_assert_str_eq(now->sensors[0].name, "wan");
    cr_assert(now->sensors[0].pool.up);
    cr_assert_eq(now->sensors[0].pool.counts.connected, 3);
    cr_assert_str_eq(now->sensors[1].name, "lan");
    cr_assert_not(now->sensors[1].pool.up);
    cr_assert_str_eq(now->sensors[1].pool.socket, "/nonexistent/lan");
    cr_assert_eq(now->sensors[1].pool.counts.connected, 0);
    cr_assert_eq(now->sensors[1].pool.counts.connect_failed, 3);
    status_snapshot_free(looker.request.snapshot);
    sensors_retire(two, on_two_drained, &drained);
    stage_settle();
    cr_assert(drained);
    status_free(status_of_two);
    sensors_free(two);
    close_status();
}

static void show(void *ctx, struct status_relay *relay)
{
    *relay = *(struct status_relay *)ctx;
}

Test(status, shows_the_relay_if_there_is_one)
{
    struct status_relay relay = {"unix:/run/x", 1, 2, 3, 4};

    open_status();
    struct status_snapshot *before = look();
    status_set_relay(status, show, &relay);
    struct status_snapshot *after = look();
    cr_assert_not(before->has_relay);
    cr_assert(after->has_relay);
    cr_assert_str_eq(after->relay.listen, "unix:/run/x");
    cr_assert_eq(after->relay.max_lookups, 4);
    status_snapshot_free(before);
    status_snapshot_free(after);
    close_status();
}

Test(status, settings_are_those_of_its_time)
{
    open_status();
    struct status_snapshot *before = look();
    status_set_configuration(status, settings_of("1m"));
    struct status_snapshot *after = look();
    cr_assert_str_eq(config_snapshot_at(before->configuration, 0)->value, "30s");
    cr_assert_str_eq(config_snapshot_at(after->configuration, 0)->value, "1m");
    status_snapshot_free(before);
    status_snapshot_free(after);
    status_snapshot_free(NULL);
    close_status();
}

Test(status, reloads)
{
    char error[2 * STATUS_RELOAD_ERROR_SIZE], one[] = "x.conf:3: bad";

    open_status();
    struct status_snapshot *start = look();
    cr_assert_eq(start->reload.succeeded, 1700000000);
    cr_assert_str_empty(start->reload.error);
    status_reload_failed(status, one);
    one[0] = 'y';
    struct status_snapshot *failed = look();
    cr_assert_eq(failed->reload.succeeded, 1700000000);
    cr_assert_str_eq(failed->reload.error, "x.conf:3: bad");
    memset(error, 'x', sizeof error - 1);
    error[sizeof error - 1] = '\0';
    status_reload_failed(status, error);
    status_reloaded(status, 1700000009);
    struct status_snapshot *mended = look();
    cr_assert_eq(mended->reload.succeeded, 1700000009);
    cr_assert_str_empty(mended->reload.error);
    cr_assert_str_eq(failed->reload.error, "x.conf:3: bad", "a snapshot stays as it is");
    status_snapshot_free(start);
    status_snapshot_free(failed);
    status_snapshot_free(mended);
    close_status();
}

Test(status, closed)
{
    struct looker posted, late;

    open_status();
    gather(&posted);
    status_close(status);
    gather(&late);
    cr_assert_eq(late.done, 1, "without the loop, which may have ended");
    cr_assert_null(late.request.snapshot);
    cr_assert_eq(posted.done, 0);
    cr_assert_eq(status_pending(status), 1);
    stage_settle();
    cr_assert_eq(posted.done, 1);
    cr_assert_not_null(posted.request.snapshot);
    status_snapshot_free(posted.request.snapshot);
    close_status();
}

static void *gather_many(void *ctx)
{
    struct looker *lookers = ctx;

    for (int i = 0; i < 50; i++)
        gather(&lookers[i]);
    return NULL;
}

Test(status, asked_for_by_many_threads)
{
    static struct looker lookers[4][50];
    pthread_t threads[4];

    open_status();
    for (int i = 0; i < 4; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, gather_many, lookers[i]), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    stage_settle();
    for (int i = 0; i < 4; i++) {
        for (int j = 0; j < 50; j++) {
            cr_assert_eq(lookers[i][j].done, 1);
            status_snapshot_free(lookers[i][j].request.snapshot);
        }
    }
    close_status();
}
