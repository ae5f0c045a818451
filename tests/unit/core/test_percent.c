/* SPDX-License-Identifier: MIT */
#include "core/percent.h"

#include <criterion/criterion.h>

static void expect_decoded(const char *text, const char *expected, size_t expected_length)
{
    char out[32];
    size_t length = 99;

    cr_assert_eq(percent_decode(span_of(text), out, sizeof out, &length), PERCENT_DECODED, "%s",
                 text);
    cr_assert_eq(length, expected_length, "%s: %zu bytes", text, length);
    cr_assert_arr_eq(out, expected, length, "%s", text);
}

static void expect_normal(const char *text, const char *expected)
{
    char out[64];
    size_t length = 99;

    cr_assert(percent_normalize(span_of(text), out, &length), "%s", text);
    cr_assert(span_equals((struct span){out, length}, expected), "%s: %.*s", text, (int)length,
              out);
}

Test(percent, decodes_every_byte)
{
    expect_decoded("", "", 0);
    expect_decoded("plain", "plain", 5);
    expect_decoded("%41%5a%5A%00x%ff", "AZZ\0x\xff", 6);
    expect_decoded("%2531", "%31", 3); /* once, not twice */
}

Test(percent, broken_encoding)
{
    const char *texts[] = {"%", "a%", "a%4", "%g1", "%1g", "%%41", "%4%41", "%+1", "% 1"};
    char out[32];
    size_t length = 99;

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        cr_assert_eq(percent_decode(span_of(texts[i]), out, sizeof out, &length), PERCENT_BROKEN,
                     "%s", texts[i]);
        cr_assert_not(percent_normalize(span_of(texts[i]), out, &length), "%s", texts[i]);
    }
    cr_assert_eq(length, 99);
}

Test(percent, room)
{
    char out[4] = "xxx";
    size_t length = 99;

    cr_assert_eq(percent_decode(span_of("%61bc"), out, 3, &length), PERCENT_DECODED);
    cr_assert_str_eq(out, "abc");
    cr_assert_eq(percent_decode(span_of("%61bcd"), out, 3, &length), PERCENT_TOO_LONG);
    cr_assert_eq(length, 3);
}

Test(percent, normalizes_what_need_not_be_encoded)
{
    expect_normal("", "");
    expect_normal("/host/1.2.3.4", "/host/1.2.3.4");
    expect_normal("/%68%6F%73%74%73", "/hosts");
    expect_normal("%2d%2e%5f%7E%30%39%41%5A%61%7A", "-._~09AZaz");
}

/* Decoded, these would mean something else; nor is anything decoded twice. */
Test(percent, leaves_the_rest_encoded)
{
    expect_normal("%2F%2f%3A%5b%00%20%25%c3%a4%40%60%7b%2c%3b",
                  "%2F%2f%3A%5b%00%20%25%c3%a4%40%60%7b%2c%3b");
    expect_normal("%2568%68", "%2568h");
}
