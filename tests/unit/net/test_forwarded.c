/* SPDX-License-Identifier: MIT */
#include "net/forwarded.h"

#include "../../support/c/guard_page.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#define NONE NULL

/* The address in an element, which ends where nothing more can be read, in text; or NONE. */
static const char *address_in(const char *element)
{
    static char text[P0F_ADDR_TEXT_SIZE];
    uint8_t *end = guard_page_end();
    size_t length = strlen(element);
    struct p0f_addr addr;

    cr_assert_not_null(end);
    const char *guarded = (const char *)guard_page_put(end, element, length);
    bool found = forwarded_address((struct span){guarded, length}, &addr);
    guard_page_free(end);
    if (!found)
        return NONE;
    p0f_addr_format(&addr, text);
    return text;
}

static void expect(const char *element, const char *address)
{
    const char *found = address_in(element);

    cr_assert_eq(found != NONE, address != NONE, "%s: %s", element, found ? found : "none");
    if (address)
        cr_assert_str_eq(found, address, "%s: %s", element, found);
}

Test(forwarded, examples_of_the_rfc)
{
    expect("for=\"_gazonk\"", NONE);
    expect("For=\"[2001:db8:cafe::17]:4711\"", "2001:db8:cafe::17");
    expect("for=192.0.2.60;proto=http;by=203.0.113.43", "192.0.2.60");
    expect("for=192.0.2.43", "192.0.2.43");
    expect("for=198.51.100.17", "198.51.100.17");
    expect("for=unknown", NONE);
    expect("for=_SEVKISEK", NONE);
    expect("for=\"[2001:db8:cafe::17]\"", "2001:db8:cafe::17");
    expect("for=\"192.0.2.43:47011\"", "192.0.2.43");
    expect("for=198.51.100.17;by=203.0.113.60;proto=http;host=example.com", "198.51.100.17");
}

Test(forwarded, pairs)
{
    expect("by=203.0.113.43;FOR=192.0.2.1", "192.0.2.1");
    expect(";;for=192.0.2.1;", "192.0.2.1");
    expect("for=192.0.2.1;x=\"\"", "192.0.2.1");
    expect("for=192.0.2.1;x=\"a;for=192.0.2.2, \\\"b\\\"\"", "192.0.2.1");
    expect("for=192.0.2.1;x=\"\xc3\xa9\t\"", "192.0.2.1");
    expect("before=192.0.2.1", NONE);
    expect("fo=192.0.2.1", NONE);
    expect("by=192.0.2.1", NONE);
    expect(";", NONE);
    expect("for=192.0.2.1;for=192.0.2.1", NONE);
    expect("for=192.0.2.1;For=unknown", NONE);
    expect("for=_x;proto=http;FOR=\"192.0.2.1\"", NONE);
}

Test(forwarded, ports)
{
    expect("for=\"192.0.2.1:_x\"", "192.0.2.1");
    expect("for=\"[2001:db8::1]:_a.B-9_\"", "2001:db8::1");
    expect("for=\"192.0.2.1:_\"", NONE);
    expect("for=\"192.0.2.1:x\"", NONE);
    expect("for=\"192.0.2.1:_x!\"", NONE);
    expect("for=\"192.0.2.1:\"", NONE);
    expect("for=\"192.0.2.1:65536\"", NONE);
    expect("for=\"unknown:80\"", NONE);
    expect("for=\"_x:_x\"", NONE);
}

Test(forwarded, escapes)
{
    expect("for=\"\\[2001:db8\\:\\:1\\]\"", "2001:db8::1");
    expect("for=\"\\1\\9\\2.0.2.1\"", "192.0.2.1");
    expect("for=\"192.0.2.1\\\"\"", NONE);
    expect("for=\"192.0.2.1\\\\\"", NONE);
    expect("for=\\192.0.2.1", NONE);
    char element[400] = "for=\"\\f";
    memset(element + 7, 'e', 300);
    strcpy(element + 307, "\"");
    expect(element, NONE);
}

/* Not allowed by the RFC, but sent, and plain. */
Test(forwarded, what_is_accepted_besides)
{
    expect("for=2001:db8::1", "2001:db8::1");
    expect("for=[2001:db8::1]", "2001:db8::1");
    expect("for=[2001:db8::1]:80;proto=https", "2001:db8::1");
    expect("for=192.0.2.1:80;host=example.org:80", "192.0.2.1");
    expect("for=\"2001:db8::1\"", "2001:db8::1");
    expect("for=\"[fe80::1%eth0]:80\"", "fe80::1");
    expect("for=192.0.2.1; proto=http ;\tby=x", "192.0.2.1");
    expect("for=::ffff:192.0.2.1", "192.0.2.1");
}

Test(forwarded, malformed)
{
    const char *malformed[] = {
        "192.0.2.1",
        "for",
        "for=",
        "for=\"\"",
        "for =192.0.2.1",
        "for= 192.0.2.1",
        "for=192.0.2.1 x",
        "for=192.0.2.1 192.0.2.2",
        "for=\" 192.0.2.1\"",
        "for=\"192.0.2.1 \"",
        "for=\"192.0.2.1",
        "for=\"192.0.2.1\\",
        "for=\"192.0.2.1\\\"",
        "for=192.0.2.1\"",
        "for=\"192.0.2.1\"x",
        "for=\"192.0.2.1\"\"\"",
        "for='192.0.2.1'",
        "for=192.0.2.1=",
        "=192.0.2.1",
        "\"for\"=192.0.2.1",
        "for=192.0.2.1;proto",
        "for=192.0.2.1;proto=",
        "for=192.0.2.1;proto=a/b",
        "for=192.0.2.1;x=\"",
        "for=192.0.2.1;x=\"\x01\"",
        "for=192.0.2.1;x=\"\\\x7f\"",
        "for=192.0.2.1;\xc3\xa9=1",
        "for=192.0.2.1,",
        "for=[2001:db8::1",
        "for=192.0.2.1/32",
    };

    for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++)
        expect(malformed[i], NONE);
}

/* ---- From the right */

static void expect_last(const char *text, const char *last)
{
    size_t start = forwarded_last(span_of(text));

    cr_assert_str_eq(text + start, last);
}

Test(forwarded, the_last_element)
{
    expect_last("", "");
    expect_last("for=a", "for=a");
    expect_last("for=a, for=b", " for=b");
    expect_last("for=a,", "");
    expect_last("for=a, for=\"b,c\"", " for=\"b,c\"");
    expect_last("for=a, x=\"b,\\\"c,\";y=\"\\\\\"", " x=\"b,\\\"c,\";y=\"\\\\\"");
    expect_last("for=\"a, for=b", " for=b");
    expect_last("for=a\\, for=b", " for=b");
    expect_last("for=\"a\\\", for=\"b\"", " for=\"b\"");
    expect_last("for=a, b\"", "for=a, b\"");
}

/* Whatever a visitor has sent, what our proxy appends is read as if it stood alone. */

static const char *const elements[] = {
    "for=192.0.2.1",
    "for=\"192.0.2.1\"",
    "for=\"[2001:db8::1]:_x\";proto=https",
    "by=\"_a,b\";for=192.0.2.1;x=\"\\\"\\\\\"",
    "x=\"\\\\\";for=2001:db8::1;y=\"a, for=198.51.100.9\"",
    "for=unknown",
    "for=\"_hidden\"",
    "proto=https",
    "for=192.0.2.1;for=192.0.2.2",
};

/* Bytes that mean something, and pieces that could make a pair with what follows. */
static void make_up(char *text, size_t size)
{
    static const char *const pieces[] = {"\"",
                                         "\\",
                                         ",",
                                         ";",
                                         "=",
                                         " ",
                                         "for=",
                                         "x=\"",
                                         "\\\"",
                                         "a",
                                         "for=198.51.100.9",
                                         "for=\"198.51.100.9",
                                         "[",
                                         ":",
                                         "\xff"};
    text[0] = '\0';
    for (int left = rand() % 12; left > 0; left--)
        strncat(text, pieces[(size_t)rand() % (sizeof pieces / sizeof pieces[0])],
                size - strlen(text) - 1);
}

Test(forwarded, what_is_to_the_left_changes_nothing)
{
    char before[256], text[512];

    srand(11);
    for (int round = 0; round < 200000; round++) {
        const char *element = elements[(size_t)round % (sizeof elements / sizeof elements[0])];
        make_up(before, sizeof before);
        snprintf(text, sizeof text, "%s,%s", before, element);
        cr_assert_eq(forwarded_last(span_of(text)), strlen(before) + 1, "%s", text);
    }
}
