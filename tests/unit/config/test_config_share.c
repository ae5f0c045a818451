/* SPDX-License-Identifier: MIT */
#include "config/config_share.h"

#include "config/config_check.h"

#include <criterion/criterion.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char error[CONFIG_ERROR_SIZE];

static struct config *load(char *override, char *other)
{
    char *overrides[] = {override, other ? other : "http.threads=1"};
    struct config_source source = {.override = overrides, .override_count = 2};
    struct config *config = config_load(&source, error);

    cr_assert_not_null(config, "%s", error);
    return config;
}

static void expect_check(char *override, char *other, const char *expected)
{
    struct config *config = load(override, other);
    bool good = config_share_check(config, error);

    cr_assert_eq(good, expected == NULL, "%s: %s", override, error);
    if (expected)
        cr_assert_str_eq(error, expected);
    config_free(config);
}

Test(config_share, written_before_it_expires)
{
    expect_check("share.server=redis://a", NULL, NULL);
    expect_check("share.server=redis://a", "share.ttl=30001ms", NULL);
    expect_check(
        "share.server=redis://a", "share.ttl=30s",
        "default share.write_interval: 30s must be less than share.ttl (30s), or hosts expire "
        "between two writes");
    expect_check("share.server=redis://a", "share.write_interval=3h",
                 "-o share.write_interval: 3h must be less than share.ttl (2h), or hosts expire "
                 "between two writes");
    expect_check("share.write_interval=3h", NULL, NULL);
}

#ifndef HAVE_HIREDIS_SSL
Test(config_share, no_tls)
{
    char start[] = "-o share.server: rediss:// is not supported by this build";
    struct config *config = load("share.server=rediss://:secret@a", NULL);

    cr_assert_not(config_share_check(config, error));
    cr_assert_eq(strncmp(error, start, strlen(start)), 0, "%s", error);
    cr_assert_null(strstr(error, "secret"));
    config_free(config);
}
#else
Test(config_share, tls)
{
    expect_check("share.server=rediss://:secret@a", NULL, NULL);
}
#endif

/* In a host name space of the test's own, where that is allowed. */
static bool set_host_name(const char *name)
{
    static bool own;

    own = own || unshare(CLONE_NEWUTS) == 0;
    return own && sethostname(name, strlen(name)) == 0;
}

static void expect_machine(char *sensor, const char *expected)
{
    struct config *config = load("share.server=redis://a", sensor);
    char name[SENSOR_NAME_MAX + 1] = "";

    cr_assert(config_share_machine(config, name, error), "%s", error);
    cr_assert_str_eq(name, expected);
    cr_assert(config_check(config, false, error), "%s", error);
    config_free(config);
}

Test(config_share, name_of_the_machine)
{
    char host[65] = "";

    gethostname(host, sizeof host - 1);
    if (!set_host_name("web1.example.org"))
        cr_skip_test("no right to set a host name");
    expect_machine("share.sensor=a", "a");
    expect_machine("share.sensor=", "web1.example.org");
    cr_assert(set_host_name(host));
}

static void expect_no_machine(const char *host, const char *expected)
{
    struct config *config = load("share.server=redis://a", NULL);
    char name[SENSOR_NAME_MAX + 1];

    cr_assert(set_host_name(host));
    cr_assert_not(config_share_machine(config, name, error), "%s", host);
    cr_assert_not_null(strstr(error, expected), "%s: %s", host, error);
    cr_assert_eq(strncmp(error, "default share.sensor: the host name ", 36), 0);
    cr_assert_not(config_check(config, false, error));
    config_free(config);
    expect_machine("share.sensor=a", "a");
    config = load("http.threads=2", NULL);
    cr_assert(config_check(config, false, error), "%s", error);
    config_free(config);
}

Test(config_share, what_is_no_name)
{
    char host[65] = "", longest[65];

    gethostname(host, sizeof host - 1);
    if (!set_host_name("web1"))
        cr_skip_test("no right to set a host name");
    expect_no_machine("(none)", "'(none)' is not a name");
    expect_no_machine("web 1", "'web 1' is not a name");
    expect_no_machine("web/1", "'web/1' is not a name");
    expect_no_machine("", "'' is not a name");
    memset(longest, 'x', 64);
    longest[64] = '\0';
    expect_no_machine(longest, "is not a name of up to 63 letters");
    cr_assert(set_host_name(longest + 1));
    expect_machine("share.sensor=", longest + 1);
    cr_assert(set_host_name(host));
}
