/* SPDX-License-Identifier: MIT */
#include "core/utf8.h"

#include <criterion/criterion.h>
#include <string.h>

Test(utf8, valid)
{
    const char *texts[] = {"",
                           "plain",
                           "\x7f",
                           "\xc2\x80",
                           "\xdf\xbf",
                           "\xe0\xa0\x80",
                           "\xed\x9f\xbf",
                           "\xee\x80\x80",
                           "\xef\xbf\xbf",
                           "\xf0\x90\x80\x80",
                           "\xf4\x8f\xbf\xbf",
                           "a\xc3\xa9z"};

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        cr_assert(utf8_valid(texts[i]), "text %zu", i);
}

Test(utf8, not_valid)
{
    const char *texts[] = {"\x80",         "\xbf",         "\xc0\x80",         "\xc1\xbf",
                           "\xc2",         "\xc2z",        "\xe0\x9f\xbf",     "\xe2\x82",
                           "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80",
                           "\xf5",         "\xff",         "ok until \xe9",    "\xf0\x90\x80"};

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        cr_assert_not(utf8_valid(texts[i]), "text %zu", i);
}

static void expect(const char *bytes, size_t size, const char *utf8)
{
    char out[64];

    memset(out, '#', sizeof out);
    cr_assert_eq(utf8_from_latin1(bytes, out, size), strlen(utf8));
    cr_assert_str_eq(out, utf8);
    for (size_t i = size; i < sizeof out; i++)
        cr_assert_eq(out[i], '#', "byte %zu is beyond the room", i);
}

Test(utf8, latin1)
{
    expect("", 10, "");
    expect("abc", 10, "abc");
    expect("caf\xe9", 10, "caf\xc3\xa9");
    expect("\x80\xbf\xc0\xff", 10, "\xc2\x80\xc2\xbf\xc3\x80\xc3\xbf");
}

Test(utf8, latin1_in_too_little_room)
{
    expect("abc", 4, "abc");
    expect("abc", 3, "ab");
    expect("abc", 1, "");
    expect("a\xe9", 4, "a\xc3\xa9");
    expect("a\xe9", 3, "a");
    expect("\xe9\xe9", 1, "");
}

Test(utf8, back_to_latin1)
{
    char out[8];

    cr_assert(utf8_to_latin1("", out, sizeof out));
    cr_assert_str_eq(out, "");
    cr_assert(utf8_to_latin1("\x01\x7f\xc2\x80\xc2\xbf\xc3\x80\xc3\xbf", out, sizeof out));
    cr_assert_str_eq(out, "\x01\x7f\x80\xbf\xc0\xff");
    cr_assert_not(utf8_to_latin1("\xc4\x80", out, sizeof out), "U+0100");
    cr_assert_not(utf8_to_latin1("a\xe2\x82\xac", out, sizeof out));
    cr_assert_not(utf8_to_latin1("\xf0\x9f\x98\x80", out, sizeof out));
}

Test(utf8, back_to_latin1_needs_room)
{
    char out[8] = "#######";

    cr_assert(utf8_to_latin1("abc", out, 4));
    cr_assert_not(utf8_to_latin1("abc", out, 3));
    cr_assert(utf8_to_latin1("a\xc3\xa9", out, 3));
    cr_assert_not(utf8_to_latin1("a\xc3\xa9", out, 2));
    cr_assert_not(utf8_to_latin1("a", out, 1));
    cr_assert(utf8_to_latin1("", out, 1));
    cr_assert_str_eq(out + 4, "###");
}
