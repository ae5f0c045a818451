/* SPDX-License-Identifier: MIT */
#include "share/hits.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct hits hits;
static struct share_status status;

static void reset(void)
{
    memset(&hits, 0, sizeof hits);
    memset(&status, 0, sizeof status);
}

Test(hits, of_each_sensor, .init = reset)
{
    hits_count(&hits, "web1");
    hits_count(&hits, "web2/wan");
    hits_count(&hits, "web1");
    hits_status(&hits, &status);
    cr_assert_eq(status.sensors, 2);
    cr_assert_str_eq(status.sensor[0].name, "web1");
    cr_assert_eq(status.sensor[0].hits, 2);
    cr_assert_str_eq(status.sensor[1].name, "web2/wan");
    cr_assert_eq(status.sensor[1].hits, 1);
    cr_assert_eq(status.other_hits, 0);
}

Test(hits, of_one_sensor_too_many_are_counted_with_others, .init = reset)
{
    char name[16];

    for (int round = 0; round < 2; round++)
        for (int i = 0; i < SHARE_SENSORS_COUNTED + 2; i++) {
            sprintf(name, "web%d", i);
            hits_count(&hits, name);
        }
    hits_status(&hits, &status);
    cr_assert_eq(status.sensors, SHARE_SENSORS_COUNTED);
    cr_assert_eq(status.sensor[SHARE_SENSORS_COUNTED - 1].hits, 2);
    cr_assert_eq(status.other_hits, 4);
}
