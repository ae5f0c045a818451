/* SPDX-License-Identifier: MIT */
#include "net/origins.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct origins *parse(const char *text)
{
    char error[ORIGINS_ERROR_SIZE] = "";
    struct origins *cors = origins_parse(text, error);

    cr_assert_not_null(cors, "%s: %s", text, error);
    return cors;
}

static void expect(const char *text, const char *origin, const char *allowed)
{
    struct origins *cors = parse(text);
    const char *found = origins_allow(cors, origin);

    cr_assert_eq(found != NULL, allowed != NULL, "%s, %s: %s", text, origin ? origin : "none",
                 found ? found : "nothing");
    if (allowed)
        cr_assert_str_eq(found, allowed, "%s, %s: %s", text, origin, found);
    origins_free(cors);
}

static void expect_refused(const char *text, const char *message)
{
    char error[ORIGINS_ERROR_SIZE] = "";

    cr_assert_null(origins_parse(text, error), "%s", text);
    cr_assert_str_eq(error, message, "%s: %s", text, error);
}

static void expect_no_origin(const char *text)
{
    char message[ORIGINS_ERROR_SIZE];

    snprintf(message, sizeof message, "%s: an origin is scheme://host or scheme://host:port", text);
    expect_refused(text, message);
}

Test(cors, none)
{
    expect("", "https://example.org", NULL);
    expect("", "null", NULL);
    expect("", "", NULL);
    expect("", "*", NULL);
    expect("", NULL, NULL);
    expect(" \t", "", NULL);
    origins_free(NULL);
}

/* Without an Origin field too, so that a shared cache has what it may serve to all. */
Test(cors, every_origin)
{
    expect("*", "https://example.org", "*");
    expect("*", "null", "*");
    expect("*", NULL, "*");
    expect(" * ", "http://x", "*");
}

Test(cors, these_origins_only)
{
    const char *list = "https://example.org, http://localhost:8080 \t,http://[2001:db8::1]:81";

    expect(list, "https://example.org", "https://example.org");
    expect(list, "http://localhost:8080", "http://localhost:8080");
    expect(list, "http://[2001:db8::1]:81", "http://[2001:db8::1]:81");
    expect(list, "http://example.org", NULL);
    expect(list, "https://example.org:8443", NULL);
    expect(list, "https://example.org.evil.example", NULL);
    expect(list, "https://example.or", NULL);
    expect(list, "https://www.example.org", NULL);
    expect(list, "https://evil.example/https://example.org", NULL);
    expect(list, "https://example.org ", NULL);
    expect(list, "https://example.org, http://localhost:8080", NULL);
    expect(list, "http://localhost", NULL);
    expect(list, "https://EXAMPLE.org", NULL);
    expect(list, "null", NULL);
    expect(list, "*", NULL);
    expect(list, "", NULL);
    expect(list, NULL, NULL);
}

Test(cors, good_origins)
{
    const char *good[] = {"http://localhost",
                          "http://127.0.0.1:5030",
                          "http://[::1]",
                          "https://xn--bcher-kva.example",
                          "https://a-b.c_d.example:65535",
                          "https://example.org:80",
                          "http://example.org:443",
                          "https://example.org:4433",
                          "http://example.org:1",
                          "moz-extension://0a1b2c3d-0000-4000-8000-000000000000",
                          "chrome-extension://abcdefghijklmnop"};

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        expect(good[i], good[i], good[i]);
}

Test(cors, varies)
{
    struct origins *none = parse(""), *all = parse("*"), *one = parse("https://example.org");

    cr_assert_not(origins_vary(none));
    cr_assert_not(origins_vary(all));
    cr_assert(origins_vary(one));
    origins_free(none);
    origins_free(all);
    origins_free(one);
}

Test(cors, what_is_meant_is_said)
{
    expect_refused("https://example.org/", "https://example.org/: an origin has no slash at its "
                                           "end; https://example.org is meant?");
    expect_refused("http://x, https://example.org:8443/app/?q#f",
                   "https://example.org:8443/app/?q#f: an origin has no path; "
                   "https://example.org:8443 is meant?");
    expect_refused("https://example.org?q",
                   "https://example.org?q: an origin has no path; https://example.org is meant?");
    expect_refused("https://example.org//",
                   "https://example.org//: an origin has no path; https://example.org is meant?");
    expect_refused("example.org",
                   "example.org: the scheme is missing; https://example.org is meant?");
    expect_refused("localhost:8080",
                   "localhost:8080: the scheme is missing; https://localhost:8080 is meant?");
    expect_refused("HTTPS://Example.org", "HTTPS://Example.org: browsers send lower case; "
                                          "https://example.org is meant?");
    expect_refused("https://example.org:443",
                   "https://example.org:443: browsers leave the scheme's own port out; "
                   "https://example.org is meant?");
    expect_refused("http://[::1]:80", "http://[::1]:80: browsers leave the scheme's own port out; "
                                      "http://[::1] is meant?");
}

Test(cors, null_is_refused)
{
    expect_refused("null", "null: every page can have this origin; * says so openly");
    expect_refused("https://example.org, null",
                   "null: every page can have this origin; * says so openly");
}

Test(cors, star_stands_alone)
{
    const char *message = "*: means every origin, so it stands alone";

    expect_refused("*, https://example.org", message);
    expect_refused("https://example.org, *", message);
    expect_refused("*,*", message);
}

Test(cors, no_patterns)
{
    expect_refused("https://*.example.org",
                   "https://*.example.org: there are no patterns, only whole origins and *");
    expect_refused("http://localhost:*",
                   "http://localhost:*: there are no patterns, only whole origins and *");
}

Test(cors, empty_items)
{
    expect_refused(",", "item 1 is empty");
    expect_refused("https://example.org,", "item 2 is empty");
    expect_refused("https://example.org, ,http://x", "item 2 is empty");
    expect_refused("*,", "item 2 is empty");
}

Test(cors, garbage)
{
    const char *garbage[] = {"://",
                             "://example.org",
                             "https://",
                             "file://",
                             "https://:8080",
                             "https://example.org:",
                             "https://example.org:0",
                             "https://example.org:080",
                             "https://example.org:65536",
                             "https://example.org:4294967376",
                             "https://example.org:80x",
                             "https://example.org:80:80",
                             "https://user@example.org",
                             "https://user:pw@example.org",
                             "https://example.org x",
                             "ht tp://example.org",
                             "https://b\xc3\xbc"
                             "cher.example",
                             "http://[::1",
                             "http://::1",
                             "http://[]",
                             "http://[",
                             "http://[::1]x",
                             "http://[::1]x:81",
                             "http://[:::1]",
                             "http://[127.0.0.1]",
                             "http://[fe80::1%25eth0]"};

    for (size_t i = 0; i < sizeof garbage / sizeof garbage[0]; i++)
        expect_no_origin(garbage[i]);
}

Test(cors, messages_are_cut_and_not_the_rest)
{
    char overlong[400] = "https://", error[ORIGINS_ERROR_SIZE];

    memset(overlong + 8, 'X', sizeof overlong - 9);
    memset(error, 'e', sizeof error);
    cr_assert_null(origins_parse(overlong, error));
    cr_assert_not_null(memchr(error, '\0', sizeof error));
    cr_assert_not_null(strstr(error, "xxx is meant?"), "%s", error);
    for (char *c = overlong; *c; c++)
        *c = *c == 'X' ? 'x' : *c;
    expect(overlong, overlong, overlong);
}
