/* SPDX-License-Identifier: MIT */
#include "config/correction.h"

#include <criterion/criterion.h>
#include <string.h>

static const struct option duration = {
    .type = OPTION_DURATION, .default_value = "30s", .max = INT64_C(31536000000)};
static const struct option short_duration = {
    .type = OPTION_DURATION, .default_value = "25ms", .max = 5000};
static const struct option second = {
    .type = OPTION_DURATION, .default_value = "1s", .min = 1, .max = 86400000};
static const struct option count = {.type = OPTION_COUNT, .default_value = "5", .max = 100000000};
static const struct option threads = {
    .type = OPTION_AUTO, .default_value = "auto", .min = 1, .max = 256};
static const struct option boolean = {.type = OPTION_BOOLEAN, .default_value = "no"};
static const struct option dialect = {.type = OPTION_DIALECT, .default_value = "auto"};
static const struct option listens = {.type = OPTION_LISTEN, .default_value = "127.0.0.1:5030"};
static const struct option sockets = {.type = OPTION_LISTEN_UNIX, .default_value = ""};
static const struct option mode = {.type = OPTION_MODE, .default_value = "0666", .max = 0777};
static const struct option group = {.type = OPTION_GROUP, .default_value = ""};
static const struct option proxies = {.type = OPTION_NETWORKS, .default_value = "::1"};
static const struct option origins = {.type = OPTION_ORIGINS, .default_value = ""};
static const struct option p0f = {.type = OPTION_SOCKETS, .default_value = "/x"};
static const struct option ready = {.type = OPTION_ALL_ANY, .default_value = "all"};

static void expect(const struct option *option, const char *value, const char *meant)
{
    char corrected[CORRECTION_SIZE];

    cr_assert(correction_find(option, value, corrected), "%s", value);
    cr_assert_str_eq(corrected, meant, "%s: %s", value, corrected);
}

static void expect_none(const struct option *option, const char *value)
{
    char corrected[CORRECTION_SIZE];

    cr_assert_not(correction_find(option, value, corrected), "%s: %s", value, corrected);
}

Test(correction, around_a_value)
{
    expect(&duration, "\"5m\"", "5m");
    expect(&duration, "'5m'", "5m");
    expect(&duration, "5m;", "5m");
    expect(&duration, "5m,", "5m");
    expect(&duration, " 5m\n", "5m");
    expect(&duration, "5m # five", "5m");
    expect(&duration, "5m\t; five", "5m");
    expect(&duration, "5m# five", "5m");
    expect(&p0f, "\"/run/x\"", "/run/x");
    expect(&p0f, "/run/x\n", "/run/x");
    expect_none(&duration, "");
    expect_none(&duration, "\"");
}

Test(correction, durations)
{
    expect(&duration, "30", "30s");
    expect(&duration, "300", "300s");
    expect(&short_duration, "50", "50ms");
    expect(&second, "5", "5s");
    expect(&second, "500", "500ms");
    expect(&duration, "5M", "5m");
    expect(&duration, "5 min", "5m");
    expect(&duration, "90 Seconds", "90s");
    expect(&duration, "2hours", "2h");
    expect(&duration, "2 weeks", "14d");
    expect(&duration, "250msec", "250ms");
    expect(&duration, "1h30m", "90m");
    expect(&duration, "1h 30 min", "90m");
    expect(&duration, "1.5h", "90m");
    expect(&duration, "0.25s", "250ms");
    expect_none(&duration, "soon");
    expect_none(&duration, "-5s");
    expect_none(&duration, "5y");
    expect_none(&duration, "1.s");
    expect_none(&duration, ".5s");
    expect_none(&duration, "1.0001s");
    expect_none(&duration, "1.5ms");
    expect_none(&duration, "400d");
    expect_none(&duration, "1000000000w 1000000000w");
    expect_none(&duration, "99999999999999999999");
}

Test(correction, counts)
{
    expect(&count, "10K", "10k");
    expect(&count, "10kb", "10000");
    expect(&count, "1,000", "1000");
    expect(&count, "10 000", "10000");
    expect(&count, "10_000", "10000");
    expect(&count, "1.5m", "1500000");
    expect(&threads, "0", "auto");
    expect(&threads, "AUTO", "auto");
    expect_none(&count, "-1");
    expect_none(&count, "many");
    expect_none(&count, "0x10");
    expect_none(&count, "1.5");
    expect_none(&count, "1,000m");
}

Test(correction, words)
{
    const char *yes[] = {"Yes", "YES", "true", "True", "on", "1", "enabled"};
    const char *no[] = {"No", "false", "off", "0", "disabled"};

    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++)
        expect(&boolean, yes[i], "yes");
    for (size_t i = 0; i < sizeof no / sizeof no[0]; i++)
        expect(&boolean, no[i], "no");
    expect_none(&boolean, "maybe");
    expect(&dialect, "MTU", "mtu");
    expect_none(&dialect, "klingon");
}

Test(correction, addresses)
{
    expect(&listens, "127.0.0.1", "127.0.0.1:5030");
    expect(&listens, "localhost", "localhost:5030");
    expect(&listens, "8080", "127.0.0.1:8080");
    expect(&listens, ":8080", "127.0.0.1:8080");
    expect(&listens, "*:8080", "0.0.0.0:8080");
    expect(&listens, "*", "0.0.0.0:5030");
    expect(&listens, "::1", "[::1]:5030");
    expect(&listens, "::1:8080", "[::1]:8080");
    expect(&listens, "2001:db8::7", "[2001:db8::7]:5030");
    expect(&listens, "[::1]", "[::1]:5030");
    expect(&listens, "fe80::1%eth0", "[fe80::1%eth0]:5030");
    expect(&listens, "fe80::1%eth0:80", "[fe80::1%eth0]:80");
    expect(&listens, "/run/x", "unix:/run/x");
    expect(&listens, "http://localhost:80/", "localhost:80");
    expect(&listens, "127.0.0.1:80 [::1]:80", "127.0.0.1:80, [::1]:80");
    expect(&listens, "127.0.0.1:80; [::1]:80", "127.0.0.1:80, [::1]:80");
    expect(&listens, "127.0.0.1:80,,[::1]:80", "127.0.0.1:80, [::1]:80");
    expect_none(&listens, "");
    expect_none(&listens, "a..b:80");
    expect_none(&listens, "127.0.0.1:http");
    expect_none(&listens, "http://");
    expect_none(&listens, "]");
}

Test(correction, unix_sockets)
{
    expect(&sockets, "/run/x", "unix:/run/x");
    expect(&sockets, "/run/x unix:/run/y", "unix:/run/x, unix:/run/y");
    expect(&sockets, "\"unix:/run/x\"", "unix:/run/x");
    expect_none(&sockets, "127.0.0.1:5030");
    expect_none(&sockets, "p0f.sock");
    expect(&mode, "'0660'", "0660");
    expect_none(&mode, "rw");
    expect(&group, "\"mail\"", "mail");
    expect_none(&group, "two groups");
}

Test(correction, lists)
{
    char many[CORRECTION_SIZE];

    expect(&proxies, "10.0.0.0/8 ::1", "10.0.0.0/8, ::1");
    expect(&proxies, "localhost", "127.0.0.0/8, ::1");
    expect(&proxies, "[::1]", "::1");
    expect_none(&proxies, "[]");
    expect_none(&proxies, "nginx");
    expect_none(&proxies, "*");
    expect(&origins, "https://a.example https://b.example", "https://a.example, https://b.example");
    memset(many, 'x', sizeof many - 1);
    many[sizeof many - 1] = '\0';
    expect_none(&origins, many);
    expect_none(&listens, many);
    for (size_t i = 0; i + 1 < sizeof many; i += 2)
        many[i] = ' ';
    expect_none(&listens, many);
}

/* Named after the file. */
Test(correction, sockets_of_p0f)
{
    expect(&p0f, "/run/p0f/wan.sock, /run/p0f/lan.sock",
           "wan=/run/p0f/wan.sock, lan=/run/p0f/lan.sock");
    expect(&p0f, "wan=/a, /run/lan", "wan=/a, lan=/run/lan");
    expect(&p0f, "wan=/a lan=/b", "wan=/a, lan=/b");
    expect(&p0f, "wan=/a; lan=/b", "wan=/a, lan=/b");
    expect(&p0f, "wan=/a,", "wan=/a");
    expect_none(&p0f, "/run/wan/p0f.sock, /run/lan/p0f.sock");
    expect_none(&p0f, "/run/a, /run/b/");
    expect_none(&p0f, "run/a");
    expect_none(&p0f, "/");
}

Test(correction, all_or_any)
{
    expect(&ready, "Any", "any");
    expect(&ready, "ALL", "all");
    expect_none(&ready, "one");
}
