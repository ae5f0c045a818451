/* SPDX-License-Identifier: MIT */
/* Two sensors: the stage's p0f is "wan", and another fake is "lan". */
#include "ops/readiness.h"

#include "../../support/c/stage.h"
#include "core/utf8.h"

#include <stdio.h>

static struct fake_p0f lan;
static bool lan_is_mute;
static struct sensors *sensors;
static struct readiness *readiness;

struct asker {
    struct readiness_request request; /* first, so that one is the other */
    unsigned done;
};

static void on_asker_done(struct readiness_request *request)
{
    ((struct asker *)request)->done++;
}

static void on_sensors_drained(void *ctx)
{
    (void)ctx;
}

/* ---- Both p0fs */

static void serve_lan(void)
{
    while (fake_p0f_accept(&lan, STAGE_CLIENTS))
        stage.accepted++;
    for (unsigned i = 0; i < STAGE_CLIENTS; i++) {
        stage_read(&lan.clients[i]);
        while (lan.clients[i].count > 0 && !lan_is_mute)
            stage_answer_first(&lan.clients[i]);
    }
}

static void settle_both(void)
{
    for (int i = 0; i < 4; i++) {
        serve_lan();
        stage_settle();
    }
}

static void pass(int64_t ms)
{
    stage.now = mono_add_ms(stage.now, ms);
    settle_both();
}

/* Sent for readiness, without those of new connections. */
static unsigned probes_sent(void)
{
    return stage.probed - stage.accepted * FAKE_P0F_PROBES;
}

/* ---- Setup */

static void open_sensors(const struct sensors_options *options)
{
    sensors = sensors_new(stage.loop, options);
    readiness = readiness_new(stage.loop, sensors, 60000);
    cr_assert(sensors && readiness);
    settle_both();
}

static void open_fakes(void)
{
    stage_open();
    stage_p0f_start();
    lan_is_mute = false;
    cr_assert(fake_p0f_open(&lan, NULL, STAGE_CLIENTS));
    cr_assert(fake_p0f_socket_listen(&lan.socket));
}

static void open_both(void)
{
    open_fakes();
    open_sensors(&(struct sensors_options){
        .sensors = {{"wan", stage.p0f.socket.path}, {"lan", lan.socket.path}},
        .count = 2,
        .connections = 1,
        .pipeline = 1});
}

static void close_both(void)
{
    lan_is_mute = stage.mute = false;
    settle_both();
    cr_assert_eq(readiness_pending(readiness), 0);
    sensors_retire(sensors, on_sensors_drained, NULL);
    pass(2000);
    sensors_free(sensors);
    readiness_free(readiness);
    fake_p0f_close(&lan);
    stage_close();
}

/* ---- Asking */

static void ask_readiness(struct asker *asker)
{
    *asker = (struct asker){.request = {.done = on_asker_done}};
    readiness_ask(readiness, &asker->request);
    settle_both();
}

/* `%s` in the expected reason stands for the socket of lan. */
static void expect_result(const struct asker *asker, bool ready, const char *reason)
{
    char expected[READINESS_REASON_SIZE];

    snprintf(expected, sizeof expected, reason, lan.socket.path);
    cr_assert_eq(asker->done, 1, "done %u times", asker->done);
    cr_assert_eq(asker->request.ready, ready, "%s", asker->request.reason);
    cr_assert_str_eq(asker->request.reason, expected, "%s", asker->request.reason);
}

#define LAN_LOST "lan: %s: connection to p0f lost: p0f closed the connection; reconnecting"

Test(readiness_sensors, ready_when_each_answers)
{
    struct asker asker;

    open_both();
    ask_readiness(&asker);
    expect_result(&asker, true, "");
    cr_assert_eq(probes_sent(), 2);
    pass(999);
    ask_readiness(&asker);
    cr_assert_eq(probes_sent(), 2, "once a second");
    pass(1);
    ask_readiness(&asker);
    expect_result(&asker, true, "");
    cr_assert_eq(probes_sent(), 4);
    close_both();
}

Test(readiness_sensors, one_is_down)
{
    struct asker asker;

    open_both();
    fake_p0f_stop(&lan);
    settle_both();
    ask_readiness(&asker);
    expect_result(&asker, false, LAN_LOST);
    readiness_set_any(readiness, true);
    ask_readiness(&asker);
    expect_result(&asker, true, LAN_LOST);
    cr_assert_eq(probes_sent(), 1, "what is known to be down is not probed");
    readiness_set_any(readiness, false);
    ask_readiness(&asker);
    expect_result(&asker, false, LAN_LOST);
    close_both();
}

Test(readiness_sensors, all_are_down)
{
    struct asker asker;
    const char *wan_lost = "connection to p0f lost: p0f closed the connection; reconnecting; lan: ";

    open_both();
    readiness_set_any(readiness, true);
    fake_p0f_stop(&lan);
    stage_p0f_stop();
    settle_both();
    ask_readiness(&asker);
    cr_assert_eq(asker.done, 1);
    cr_assert_not(asker.request.ready);
    cr_assert_eq(strncmp(asker.request.reason, "wan: ", 5), 0, "%s", asker.request.reason);
    cr_assert(strstr(asker.request.reason, wan_lost), "%s", asker.request.reason);
    close_both();
}

/* Nobody is told half of it, nor waits longer than for one. */
Test(readiness_sensors, one_hangs)
{
    struct asker first, second;

    open_both();
    readiness_set_any(readiness, true);
    lan_is_mute = true;
    ask_readiness(&first);
    ask_readiness(&second);
    cr_assert_eq(first.done + second.done, 0, "wan alone has answered");
    pass(READINESS_TIMEOUT_MAX - 1);
    cr_assert_eq(first.done + second.done, 0);
    pass(1);
    expect_result(&first, true, "lan: p0f did not answer within 900 ms");
    expect_result(&second, true, "lan: p0f did not answer within 900 ms");
    ask_readiness(&first);
    cr_assert_eq(first.done, 1, "lan is not waited for again");
    cr_assert_eq(probes_sent(), 2);
    pass(100);
    ask_readiness(&first);
    expect_result(&first, true,
                  "lan: %s: p0f has not answered for 1 s, with 1 query outstanding: it is stopped, "
                  "or too busy");
    readiness_set_any(readiness, false);
    ask_readiness(&first);
    cr_assert_not(first.request.ready);
    lan_is_mute = false;
    settle_both();
    ask_readiness(&first);
    expect_result(&first, true, "");
    close_both();
}

Test(readiness_sensors, the_one_that_answers_late_is_awaited)
{
    struct asker asker;

    open_both();
    lan_is_mute = true;
    ask_readiness(&asker);
    pass(899);
    lan_is_mute = false;
    settle_both();
    expect_result(&asker, true, "");
    close_both();
}

Test(readiness_sensors, a_single_one_with_a_name)
{
    struct asker asker;

    open_fakes();
    open_sensors(&(struct sensors_options){
        .sensors = {{"lan", lan.socket.path}}, .count = 1, .connections = 1, .pipeline = 1});
    fake_p0f_stop(&lan);
    settle_both();
    ask_readiness(&asker);
    expect_result(&asker, false, LAN_LOST);
    close_both();
}

/* However long the reasons are, each sensor is named, and what is cut is still text. */
Test(readiness_sensors, reasons_are_cut)
{
    char names[SENSORS_MAX][64], paths[SENSORS_MAX][108], begin[80];
    struct sensors_options options = {.count = SENSORS_MAX, .connections = 1, .pipeline = 1};
    struct asker asker;

    open_fakes();
    for (unsigned i = 0; i < SENSORS_MAX; i++) {
        memset(names[i], 'a', sizeof names[i]);
        snprintf(names[i] + 50, sizeof names[i] - 50, "%u", i);
        snprintf(paths[i], sizeof paths[i], "/%s", i % 2 ? "." : "");
        for (size_t end = strlen(paths[i]); end + 3 < sizeof paths[i]; end += 2)
            strcpy(paths[i] + end, "\xc3\xa9");
        options.sensors[i].name = names[i];
        options.sensors[i].socket = paths[i];
    }
    open_sensors(&options);
    ask_readiness(&asker);
    cr_assert_eq(asker.done, 1);
    cr_assert_not(asker.request.ready);
    for (unsigned i = 0; i < SENSORS_MAX; i++) {
        snprintf(begin, sizeof begin, "%.60s: /", names[i]);
        cr_assert(strstr(asker.request.reason, begin), "%u: %s", i, asker.request.reason);
    }
    cr_assert(strstr(asker.request.reason, "...; a"), "%s", asker.request.reason);
    cr_assert(utf8_valid(asker.request.reason), "%s", asker.request.reason);
    close_both();
}

Test(readiness_sensors, shutting_down)
{
    struct asker asker;

    open_both();
    lan_is_mute = true;
    ask_readiness(&asker);
    readiness_shut_down(readiness);
    expect_result(&asker, false, "p0f-lookupd is shutting down");
    close_both();
    cr_assert_eq(asker.done, 1, "late answers are for nobody");
}
