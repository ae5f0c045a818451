/* SPDX-License-Identifier: MIT */
#include "p0f/sensors.h"

#include "../../support/c/more_p0f.h"

#include <stdio.h>

static struct sensors *sensors;
static char told[SENSORS_FAULT_SIZE];
static unsigned told_count, drained, answers;
static struct pool_query queries[MORE_P0F_MAX];
static struct p0f_conn *conns[SENSORS_CONNECTIONS_MAX];

static void on_told(void *ctx, const char *fault)
{
    cr_assert_eq(ctx, &told_count);
    told_count++;
    snprintf(told, sizeof told, "%s", fault ? fault : "well");
}

static void on_drained(void *ctx)
{
    cr_assert_eq(ctx, &drained);
    drained++;
}

static void on_answer(void *ctx, enum p0f_error error, const struct p0f_host *host)
{
    (void)ctx, (void)error, (void)host;
    answers++;
}

static void open_sensors(unsigned count, bool named)
{
    struct sensors_options options = {
        .connections = 2, .pipeline = 1, .seed = 7, .told = on_told, .ctx = &told_count};

    told_count = drained = answers = 0;
    told[0] = '\0';
    stage_open();
    more_p0f_open(count);
    more_p0f_sensors(&options);
    if (!named)
        options.sensors[0].name = "";
    sensors = sensors_new(stage.loop, &options);
    cr_assert_not_null(sensors);
    stage_settle();
}

static void close_sensors(void)
{
    cr_assert_eq(sensors_outstanding(sensors), 0);
    sensors_free(sensors);
    more_p0f_close();
    stage_close();
}

/* Each holds an answer to one query. */
static void ask_each(void)
{
    for (unsigned i = 0; i < sensors_count(sensors); i++) {
        more[i].holding = true;
        queries[i] = (struct pool_query){.addr = stage_addr("10.0.0.1"),
                                         .flow = FLOW_STRANGERS,
                                         .answer = on_answer,
                                         .ctx = &queries[i]};
        cr_assert_eq(pool_ask(sensors_pool(sensors, i), &queries[i]), P0F_OK);
    }
    stage_settle();
    cr_assert_eq(sensors_outstanding(sensors), sensors_count(sensors));
}

static void retire(void)
{
    sensors_retire(sensors, on_drained, &drained);
    stage_settle();
}

static void expect_told(const char *begin)
{
    cr_assert_eq(strncmp(told, begin, strlen(begin)), 0, "%s", told);
}

Test(sensors, each_has_its_name_and_its_p0f)
{
    open_sensors(3, true);
    cr_assert_eq(sensors_count(sensors), 3);
    cr_assert_str_eq(sensors_name(sensors, 0), "s0");
    cr_assert_str_eq(sensors_name(sensors, 2), "s2");
    cr_assert_eq(sensors_connections(sensors), 6);
    ask_each();
    for (int i = 0; i < 3; i++)
        cr_assert_eq(more[i].asked, 1);
    for (int i = 0; i < 3; i++)
        more[i].holding = false;
    stage_settle();
    cr_assert_eq(answers, 3);
    retire();
    cr_assert_eq(sensors_connections(sensors), 0);
    close_sensors();
}

Test(sensors, the_fault_of_the_first_that_has_one_is_told)
{
    open_sensors(3, true);
    cr_assert_eq(told_count, 0, "each answers");
    more_p0f_kill(&more[2]);
    stage_settle();
    expect_told("s2: /");
    more_p0f_kill(&more[1]);
    stage_settle();
    expect_told("s1: /");
    more_p0f_restart(&more[1]);
    stage_pass(10000);
    expect_told("s2: /");
    more_p0f_restart(&more[2]);
    stage_pass(10000);
    expect_told("well");
    retire();
    close_sensors();
}

Test(sensors, without_a_name_the_fault_has_none)
{
    open_sensors(1, false);
    more_p0f_kill(&more[0]);
    stage_settle();
    expect_told(more[0].fake.socket.path);
    retire();
    close_sensors();
}

Test(sensors, drained_when_the_last_one_is)
{
    open_sensors(3, true);
    ask_each();
    retire();
    cr_assert_eq(drained, 0);
    more[2].holding = more[0].holding = false;
    stage_settle();
    cr_assert_eq(drained, 0);
    cr_assert_eq(sensors_outstanding(sensors), 1);
    more[1].holding = false;
    stage_settle();
    cr_assert_eq(drained, 1);
    close_sensors();
}

Test(sensors, drained_at_once_when_nothing_is_outstanding)
{
    open_sensors(2, true);
    sensors_retire(sensors, on_drained, &drained);
    cr_assert_eq(drained, 1);
    close_sensors();
}

Test(sensors, given_up_the_connections_of_all_are_left)
{
    open_sensors(3, true);
    ask_each();
    retire();
    cr_assert_eq(sensors_give_up(sensors, conns), 3);
    cr_assert_eq(answers, 3);
    cr_assert_eq(drained, 1);
    close_sensors();
    for (int i = 0; i < 3; i++) { /* p0f has gone */
        cr_assert_eq(p0f_conn_io(conns[i]), P0F_DISCONNECTED);
        cr_assert(p0f_conn_free(conns[i]));
    }
}

Test(sensors, the_rate_is_that_of_each)
{
    open_sensors(2, true);
    sensors_set_max_rate(sensors, 1);
    for (unsigned i = 0; i < 2; i++) {
        struct pool_status status;
        pool_status(sensors_pool(sensors, i), &status);
        cr_assert_eq(status.max_rate, 1);
    }
    retire();
    close_sensors();
}
