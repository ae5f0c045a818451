/* SPDX-License-Identifier: MIT */
#include "config/config_sensors.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct config_sensors sensors;
static char error[CONFIG_ERROR_SIZE];

static bool read_both(char *override, char *other)
{
    char *overrides[] = {override, other ? other : "http.threads=1", "share.sensor=web1"};
    struct config_source source = {.override = overrides, .override_count = 3};
    struct config *config = config_load(&source, error);

    cr_assert_not_null(config, "%s", error);
    bool good = config_sensors(config, &sensors, error);
    config_free(config);
    return good;
}

static bool read_sensors(char *override)
{
    return read_both(override, NULL);
}

Test(config_sensors, one)
{
    cr_assert(read_sensors("cache.ttl=1s"));
    cr_assert_eq(sensors.count, 1);
    cr_assert_str_empty(sensors.list[0].name);
    cr_assert_str_eq(sensors.list[0].path, P0F_DEFAULT_SOCKET);
}

Test(config_sensors, with_names)
{
    cr_assert(read_sensors("p0f.socket=wan=/a, lan=/b"));
    cr_assert_eq(sensors.count, 2);
    cr_assert_str_eq(sensors.list[0].name, "wan");
    cr_assert_str_eq(sensors.list[0].path, "/a");
    cr_assert_str_eq(sensors.list[1].name, "lan");
    cr_assert_str_eq(sensors.list[1].path, "/b");
}

/* As /var/run is another way to /run. */
Test(config_sensors, one_socket_in_two_spellings)
{
    cr_assert_not(read_sensors("p0f.socket=a=/tmp/x, b=/tmp/y, c=/tmp/../tmp/x"));
    cr_assert_str_eq(error, "-o p0f.socket: /tmp/x and /tmp/../tmp/x are the same path; remove one "
                            "of them");
    cr_assert(read_sensors("p0f.socket=a=/tmp/x, b=/tmp/y"));
}

Test(config_sensors, in_a_fleet)
{
    cr_assert(read_both("p0f.socket=/a", "share.server=redis://store"));
    cr_assert_str_eq(sensors.list[0].name, "web1");
    cr_assert(read_both("p0f.socket=wan=/a, lan=/b", "share.server=redis://store"));
    cr_assert_str_eq(sensors.list[0].name, "web1/wan");
    cr_assert_str_eq(sensors.list[1].name, "web1/lan");
}

Test(config_sensors, the_longest_name)
{
    char sockets[128] = "p0f.socket=";
    char expected[CONFIG_SENSORS_NAME_SIZE] = "web1/";

    memset(sockets + strlen(sockets), 'n', SENSOR_NAME_MAX);
    strcat(sockets, "=/a");
    memset(expected + strlen(expected), 'n', SENSOR_NAME_MAX);
    cr_assert(read_both(sockets, "share.server=redis://store"));
    cr_assert_str_eq(sensors.list[0].name, expected);
}
