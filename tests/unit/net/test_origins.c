/* SPDX-License-Identifier: MIT */
#include "net/origins.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct origins *parse(const char *text)
{
    char error[ORIGINS_ERROR_SIZE] = "";
    struct origins *origins = origins_parse(text, error);

    cr_assert_not_null(origins, "%s: %s", text, error);
    return origins;
}

static void expect(const char *text, const char *origin, const char *allowed)
{
    struct origins *origins = parse(text);
    const char *found = origins_allow(origins, origin);

    cr_assert_eq(found != NULL, allowed != NULL, "%s, %s: %s", text, origin ? origin : "none",
                 found ? found : "nothing");
    if (allowed)
        cr_assert_str_eq(found, allowed, "%s, %s: %s", text, origin, found);
    origins_free(origins);
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

    snprintf(message, sizeof message, "%s: expected scheme://host or scheme://host:port", text);
    expect_refused(text, message);
}

Test(origins, none)
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
Test(origins, every_origin)
{
    expect("*", "https://example.org", "*");
    expect("*", "null", "*");
    expect("*", NULL, "*");
    expect(" * ", "http://x", "*");
}

Test(origins, these_origins_only)
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

Test(origins, good_origins)
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
                          "capacitor://localhost",
                          "app://obsidian.md",
                          "moz-extension://0a1b2c3d-0000-4000-8000-000000000000",
                          "chrome-extension://abcdefghijklmnop"};

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        expect(good[i], good[i], good[i]);
}

Test(origins, varies)
{
    struct origins *none = parse(""), *all = parse("*"), *one = parse("https://example.org");

    cr_assert_not(origins_vary(none));
    cr_assert_not(origins_vary(all));
    cr_assert(origins_vary(one));
    origins_free(none);
    origins_free(all);
    origins_free(one);
}

Test(origins, suggests_what_was_meant)
{
    expect_refused("https://example.org/", "https://example.org/: an origin has no trailing "
                                           "slash; did you mean https://example.org?");
    expect_refused("http://x, https://example.org:8443/app/?q#f",
                   "https://example.org:8443/app/?q#f: an origin has no path; "
                   "did you mean https://example.org:8443?");
    expect_refused(
        "https://example.org?q",
        "https://example.org?q: an origin has no path; did you mean https://example.org?");
    expect_refused(
        "https://example.org//",
        "https://example.org//: an origin has no path; did you mean https://example.org?");
    expect_refused("example.org",
                   "example.org: the scheme is missing; did you mean https://example.org?");
    expect_refused("localhost:8080",
                   "localhost:8080: the scheme is missing; did you mean https://localhost:8080?");
    expect_refused("HTTPS://Example.org",
                   "HTTPS://Example.org: browsers send origins in lower case; "
                   "did you mean https://example.org?");
    expect_refused("https://example.org:443",
                   "https://example.org:443: browsers omit the scheme's default port; "
                   "did you mean https://example.org?");
    expect_refused("http://[::1]:80", "http://[::1]:80: browsers omit the scheme's default port; "
                                      "did you mean http://[::1]?");
}

#define NO_SCHEME ": pages do not have this scheme; did you mean "
#define SYNTAX ": expected scheme://host or scheme://host:port; did you mean "

Test(origins, schemes_that_no_page_has)
{
    const char *opaque = "the origin of such pages is null, which any page can have";
    const char *texts[] = {"file://", "file:///srv/page.html", "data://x", "blob://x", "FILE://x"};
    char message[ORIGINS_ERROR_SIZE];

    expect_refused("ftp://x", "ftp://x" NO_SCHEME "https://x?");
    expect_refused("ws://example.org:81/x",
                   "ws://example.org:81/x" NO_SCHEME "http://example.org:81?");
    expect_refused("wss://example.org", "wss://example.org" NO_SCHEME "https://example.org?");
    expect_refused("htps://example.org", "htps://example.org" NO_SCHEME "https://example.org?");
    expect_refused("HTTPP://x", "HTTPP://x" NO_SCHEME "https://x?");
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        snprintf(message, sizeof message, "%s: %s", texts[i], opaque);
        expect_refused(texts[i], message);
    }
}

Test(origins, mistyped_schemes)
{
    expect_refused("https:example.org", "https:example.org" SYNTAX "https://example.org?");
    expect_refused("http:/example.org/x", "http:/example.org/x" SYNTAX "http://example.org?");
    expect_refused("HTTPS//example.org:81",
                   "HTTPS//example.org:81" SYNTAX "https://example.org:81?");
    expect_refused("example.org/app", "example.org/app: the scheme is missing; "
                                      "did you mean https://example.org?");
}

Test(origins, what_else_people_write)
{
    const char *comma = "https://a.example https://b.example: origins are separated by commas";

    expect_refused("https://a.example https://b.example", comma);
    expect_refused("https://b\xc3\xbc"
                   "cher.example",
                   "https://b\xc3\xbc"
                   "cher.example: expected the host in ASCII, as browsers send it (xn--...)");
    expect_refused("https://user@example.org",
                   "https://user@example.org: an origin has no user name");
}

Test(origins, null_is_refused)
{
    expect_refused("null", "null: any page can have this origin; use * to allow every origin");
    expect_refused("https://example.org, null",
                   "null: any page can have this origin; use * to allow every origin");
}

Test(origins, star_stands_alone)
{
    const char *message = "*: allows every origin, so it must be the only item";

    expect_refused("*, https://example.org", message);
    expect_refused("https://example.org, *", message);
    expect_refused("*,*", message);
}

Test(origins, no_patterns)
{
    expect_refused("https://*.example.org",
                   "https://*.example.org: patterns are not supported, only whole origins and *");
    expect_refused("http://localhost:*",
                   "http://localhost:*: patterns are not supported, only whole origins and *");
}

Test(origins, empty_items)
{
    expect_refused(",", "item 1 is empty");
    expect_refused("https://example.org,", "item 2 is empty");
    expect_refused("https://example.org, ,http://x", "item 2 is empty");
    expect_refused("*,", "item 2 is empty");
}

Test(origins, garbage)
{
    const char *garbage[] = {"://",
                             "://example.org",
                             "https://",
                             "https://:8080",
                             "https://example.org:",
                             "https://example.org:0",
                             "https://example.org:080",
                             "https://example.org:65536",
                             "https://example.org:4294967376",
                             "https://example.org:80x",
                             "https://example.org:80:80",
                             "a(b)://example.org",
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

Test(origins, messages_are_cut_and_not_the_rest)
{
    char overlong[400] = "https://", error[ORIGINS_ERROR_SIZE];

    memset(overlong + 8, 'X', sizeof overlong - 9);
    memset(error, 'e', sizeof error);
    cr_assert_null(origins_parse(overlong, error));
    cr_assert_not_null(memchr(error, '\0', sizeof error));
    cr_assert_not_null(strstr(error, "did you mean https://xxx"), "%s", error);
    for (char *c = overlong; *c; c++)
        *c = *c == 'X' ? 'x' : *c;
    expect(overlong, overlong, overlong);
}
