/* SPDX-License-Identifier: MIT */
#include "net/redis_url.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void expect(const char *text, struct redis_url meant)
{
    char error[REDIS_URL_ERROR_SIZE] = "";
    struct redis_url url;

    cr_assert(redis_url_parse(span_of(text), &url, error), "%s: %s", text, error);
    cr_assert_eq(url.is_unix, meant.is_unix, "%s", text);
    cr_assert_eq(url.tls, meant.tls, "%s", text);
    cr_assert_str_eq(url.host, meant.host, "%s", text);
    cr_assert_eq(url.port, meant.port, "%s", text);
    cr_assert_str_eq(url.user, meant.user, "%s", text);
    cr_assert_str_eq(url.password, meant.password, "%s", text);
    cr_assert_eq(url.database, meant.database, "%s", text);
}

static void expect_refused(const char *text, const char *message)
{
    char error[REDIS_URL_ERROR_SIZE] = "";
    struct redis_url url;

    cr_assert_not(redis_url_parse(span_of(text), &url, error), "%s", text);
    cr_assert_not_null(strstr(error, message), "%s: %s", text, error);
}

Test(redis_url, over_tcp)
{
    expect("redis://store.example:6380", (struct redis_url){.host = "store.example", .port = 6380});
    expect("redis://store", (struct redis_url){.host = "store", .port = 6379});
    expect("redis://127.0.0.1/", (struct redis_url){.host = "127.0.0.1", .port = 6379});
    expect("valkey://s_1-x:1/2", (struct redis_url){.host = "s_1-x", .port = 1, .database = 2});
    expect("redis://[::1]:65535/15",
           (struct redis_url){.host = "::1", .port = 65535, .database = 15});
    expect("redis://[fe80::1%eth0]", (struct redis_url){.host = "fe80::1%eth0", .port = 6379});
    expect("rediss://s", (struct redis_url){.tls = true, .host = "s", .port = 6379});
    expect("valkeys://s", (struct redis_url){.tls = true, .host = "s", .port = 6379});
}

Test(redis_url, with_a_password)
{
    expect("redis://:secret@s",
           (struct redis_url){.host = "s", .port = 6379, .password = "secret"});
    expect("redis://fleet:secret@s:1/3",
           (struct redis_url){
               .host = "s", .port = 1, .user = "fleet", .password = "secret", .database = 3});
    expect("redis://a%40b:%2F%2c%3a%25@s",
           (struct redis_url){.host = "s", .port = 6379, .user = "a@b", .password = "/,:%"});
    expect("redis://u:p@q:r@[::1]",
           (struct redis_url){.host = "::1", .port = 6379, .user = "u", .password = "p@q:r"});
    expect("redis://u:\xc3\xa9%ff@s",
           (struct redis_url){.host = "s", .port = 6379, .user = "u", .password = "\xc3\xa9\xff"});
}

Test(redis_url, unix_sockets)
{
    expect("unix:/run/valkey/valkey.sock",
           (struct redis_url){.is_unix = true, .host = "/run/valkey/valkey.sock"});
    expect("unix:///run/a:b", (struct redis_url){.is_unix = true, .host = "/run/a:b"});
    expect("unix:/a?db=7", (struct redis_url){.is_unix = true, .host = "/a", .database = 7});
    expect("unix://u:p@/a?db=7",
           (struct redis_url){
               .is_unix = true, .host = "/a", .user = "u", .password = "p", .database = 7});
    expect("unix:/a@b", (struct redis_url){.is_unix = true, .host = "/a@b"});
}

Test(redis_url, no_url)
{
    expect_refused("", "it is empty");
    expect_refused("store:6379", "it does not begin with redis://, rediss:// or unix:");
    expect_refused("http://store", "it does not begin with");
    expect_refused("redis:store", "it does not begin with");
    expect_refused("/run/valkey.sock", "a path needs unix: before it");
    expect_refused("\"redis://store\"", "without quotes");
    expect_refused("redis://", "no host");
    expect_refused("redis://:6379", "no host");
    expect_refused("redis:///1", "no host");
    expect_refused("redis://a b", "the host is not a name or an IP address");
    expect_refused("redis://[a]", "the host is not a name or an IP address");
    expect_refused("redis://[127.0.0.1]", "the host is not a name or an IP address");
    expect_refused("redis://::1", "an IPv6 address needs brackets");
    expect_refused("redis://s:0", "the port is not a number from 1 to 65535");
    expect_refused("redis://s:65536", "the port is not a number from 1 to 65535");
    expect_refused("redis://s:", "the port is not a number from 1 to 65535");
    expect_refused("redis://s:6379/one", "the database is not a number");
    expect_refused("redis://s/-1", "the database is not a number");
    expect_refused("redis://s/1/2", "the database is not a number");
    expect_refused("redis://s/2147483648", "the database is not a number");
    expect_refused("redis://s?db=1", "unexpected ?; a database is written /number");
    expect_refused("unix:run/a", "unix: needs an absolute path");
    expect_refused("unix:", "unix: needs an absolute path");
    expect_refused("unix:/run/", "it is a directory");
    expect_refused("unix:/a?db=x", "the database is not a number");
    expect_refused("unix:/a?database=1", "only ?db=number may follow the path");
}

Test(redis_url, no_credentials)
{
    expect_refused("redis://secret@s", "no password; expected user:password@ or :password@");
    expect_refused("redis://fleet:@s", "no password");
    expect_refused("redis://@s", "no password");
    expect_refused("unix://fleet@/a", "no password");
    expect_refused("redis://:pa/ss@s", "a / in user or password must be written as %2F");
    expect_refused("redis://:a%@s", "two hexadecimal digits (%25 is a %)");
    expect_refused("redis://:a%4@s", "two hexadecimal digits");
    expect_refused("redis://:a%g0@s", "two hexadecimal digits");
    expect_refused("redis://:a%00@s", "two hexadecimal digits");
    expect_refused("redis://a%zz:b@s", "the user is too long, or has a %");
}

static void expect_length(const char *format, int length, bool good)
{
    char part[400], text[500], error[REDIS_URL_ERROR_SIZE];
    struct redis_url url;

    memset(part, 'x', sizeof part);
    snprintf(text, sizeof text, format, length, part);
    cr_assert_eq(redis_url_parse(span_of(text), &url, error), good, "%s", text);
}

Test(redis_url, lengths)
{
    expect_length("redis://%.*s", 255, true);
    expect_length("redis://%.*s", 256, false);
    expect_length("redis://%.*s:p@s", 127, true);
    expect_length("redis://%.*s:p@s", 128, false);
    expect_length("redis://:%.*s@s", 255, true);
    expect_length("redis://:%.*s@s", 256, false);
    expect_length("unix:/%.*s", 106, true);
    expect_length("unix:/%.*s", 107, false);
}

/* It may be a piece of a longer text. */
Test(redis_url, ends_where_it_ends)
{
    char *text = malloc(14), error[REDIS_URL_ERROR_SIZE];
    struct redis_url url;

    memcpy(text, "redis://:%2F@s", 14);
    for (size_t length = 0; length <= 14; length++)
        cr_assert_eq(redis_url_parse((struct span){text, length}, &url, error), length == 14);
    cr_assert_str_eq(url.password, "/");
    free(text);
}

static void expect_list(const char *list, const char *message)
{
    char error[REDIS_URL_ERROR_SIZE] = "";
    bool good = redis_url_check_list(list, error);

    cr_assert_eq(good, message == NULL, "%s: %s", list, error);
    if (message)
        cr_assert_str_eq(error, message, "%s: %s", list, error);
}

Test(redis_url, lists)
{
    char list[1600] = "redis://s:1";

    expect_list("redis://:p@a:1/3", NULL);
    expect_list("unix:/a", NULL);
    expect_list("redis://a, redis://b:2,redis://:p@c, redis://u:q@c:2", NULL);
    expect_list("rediss://a, rediss://b", NULL);
    expect_list("redis://u@a", "no password; expected user:password@ or :password@");
    expect_list("redis://a, b:6379",
                "server 2: it does not begin with redis://, rediss:// or unix:");
    expect_list("redis://a,", "server 2: it is empty");
    expect_list("redis://u:pa,ss@a",
                "server 1: the port is not a number from 1 to 65535; a , in user "
                "or password must be written as %2C");
    expect_list("redis://u:12,34@a",
                "server 2: it does not begin with redis://, rediss:// or unix:; "
                "a , in user or password must be written as %2C");
    expect_list("redis://a:x, redis://u:p@b", "server 1: the port is not a number from 1 to 65535");
    expect_list("redis://a, redis://b/1",
                "server 2: several servers must be nodes of a cluster, which has only database 0");
    expect_list("redis://a/0, redis://b/0", NULL);
    expect_list("redis://a, unix:/b",
                "server 2: several servers must be nodes of a cluster, which have no unix sockets");
    expect_list("redis://a, redis://b, redis://:p@A:6379", "server 3: it is listed twice");
    expect_list("redis://a, rediss://b", "server 2: either all servers must use TLS, or none");
    for (int i = 2; i <= REDIS_URL_LIST_MAX; i++)
        sprintf(list + strlen(list), ",redis://s:%d", i);
    expect_list(list, NULL);
    strcat(list, ",redis://s:9999");
    expect_list(list, "more than 64 servers");
}

Test(redis_url, server)
{
    static const char *const pairs[][2] = {
        {"redis://u:p@store:1/2", "store:1"},
        {"rediss://[::1]", "[::1]:6379"},
        {"unix://u:p@/run/a?db=1", "unix:/run/a"},
    };
    char error[REDIS_URL_ERROR_SIZE], text[REDIS_URL_SERVER_SIZE];
    struct redis_url url;

    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        cr_assert(redis_url_parse(span_of(pairs[i][0]), &url, error));
        redis_url_server(&url, text);
        cr_assert_str_eq(text, pairs[i][1]);
    }
}
