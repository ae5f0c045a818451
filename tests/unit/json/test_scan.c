/* SPDX-License-Identifier: MIT */
#include "json/scan.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static char room[512];

static struct scan scan_of(const char *text)
{
    snprintf(room, sizeof room, "%s", text);
    return (struct scan){room};
}

static void expect_string(const char *json, const char *expected)
{
    struct scan scan = scan_of(json);
    const char *text = scan_string(&scan);

    cr_assert_not_null(text, "%s", json);
    cr_assert_str_eq(text, expected, "%s", json);
    cr_assert(scan_end(&scan), "%s", json);
}

static void expect_no_string(const char *json)
{
    struct scan scan = scan_of(json);

    cr_assert_null(scan_string(&scan), "%s", json);
}

Test(scan, strings)
{
    expect_string("\"\"", "");
    expect_string(" \t\r\n\"abc\" \n", "abc");
    expect_string("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t");
    expect_string("\"\x7f\xc3\xa9\xf0\x9f\x98\x80\"", "\x7f\xc3\xa9\xf0\x9f\x98\x80");
    expect_string("\"\\u0001\\u007f\\u0080\\u07ff\\u0800\\uFFFF\"",
                  "\x01\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf");
    expect_string("\"a\\u00e9b\\u00E9c\"", "a\xc3\xa9"
                                           "b\xc3\xa9"
                                           "c");
    expect_string("\"\\ud800\\udc00\\uDBFF\\uDFFF\"", "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf");
    expect_string("\"\\ud7ff\\ue000\"", "\xed\x9f\xbf\xee\x80\x80");
}

Test(scan, what_is_no_string)
{
    static const char *const cases[] = {
        "",
        "a",
        "1",
        "'a'",
        "\"",
        "\"a",
        "\"a\\\"",
        "\"a\n\"",
        "\"\x1f\"",
        "\"\\\"",
        "\"\\x41\"",
        "\"\\U0041\"",
        "\"\\ \"",
        "\"\\",
        "\"\\u",
        "\"\\u004",
        "\"\\u004\"",
        "\"\\u004g\"",
        "\"\\u00\x11\x31\"",
        "\"\\u+041\"",
        "\"\\u0000\"",
        "\"a\\u0000b\"",
        /* surrogates without their other half */
        "\"\\ud800\"",
        "\"\\udbff\"",
        "\"\\ud800a\"",
        "\"\\ud800\\n\"",
        "\"\\ud800\\u0041\"",
        "\"\\ud800\\ud800\"",
        "\"\\ud800\\ue000\"",
        "\"\\ud800\\u\"",
        "\"\\udc00\"",
        "\"\\udfff\"",
        "\"\\ud800\\ndc00\"",
        "\"\\ud800xudc00\"",
        "\"\\udfff\\ud800\"",
        /* not UTF-8 */
        "\"\x80\"",
        "\"\xe9\"",
        "\"\xc3\"",
        "\"\xc0\x80\"",
        "\"\xed\xa0\x80\"",
        "\"\xf4\x90\x80\x80\"",
        "\"\\u00e9\xa9\"",
        "\"\xc3\\u00e9\"",
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect_no_string(cases[i]);
}

Test(scan, each_control_character_must_be_escaped)
{
    for (char byte = 1; byte < ' '; byte++)
        expect_no_string((char[]){'"', byte, '"', '\0'});
}

Test(scan, a_word_is_taken_as_a_whole)
{
    struct scan scan = scan_of("\"a\":\"b\"");

    cr_assert_not(scan_word(&scan, "\"a\":1"));
    cr_assert_not(scan_word(&scan, "\"a\":\"b\"c"));
    cr_assert(scan_word(&scan, "\"a\":"));
    cr_assert_str_eq(scan_string(&scan), "b");
    cr_assert(scan_end(&scan));
    scan = scan_of(" null");
    cr_assert_not(scan_word(&scan, "null"));
}

static void expect_integer(const char *json, int64_t expected)
{
    struct scan scan = scan_of(json);
    int64_t value;

    cr_assert(scan_integer(&scan, INT64_MIN, INT64_MAX, &value), "%s", json);
    cr_assert_eq(value, expected, "%s", json);
    cr_assert(scan_end(&scan), "%s", json);
}

Test(scan, integers)
{
    expect_integer("0", 0);
    expect_integer("-0", 0);
    expect_integer(" 10\n", 10);
    expect_integer("-128", -128);
    expect_integer("9223372036854775807", INT64_MAX);
    expect_integer("-9223372036854775807", -INT64_MAX);
}

/* Either it is not taken, or something is left that is no end. */
static void expect_no_integer(const char *json)
{
    struct scan scan = scan_of(json);
    int64_t value;

    cr_assert_not(scan_integer(&scan, -1000, 1000, &value) && scan_end(&scan), "%s", json);
}

Test(scan, what_is_no_integer)
{
    static const char *const cases[] = {"",
                                        "-",
                                        "+1",
                                        "01",
                                        "-01",
                                        "00",
                                        "1.0",
                                        "1.5",
                                        "1e2",
                                        "1E+2",
                                        "0x10",
                                        "1a",
                                        ".5",
                                        "1.",
                                        "- 1",
                                        "--1",
                                        "\"1\"",
                                        "null",
                                        "true",
                                        "[1]",
                                        "1001",
                                        "-1001",
                                        "9223372036854775808",
                                        "18446744073709551617",
                                        "100000000000000000000000000000000000000001"};

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect_no_integer(cases[i]);
}

Test(scan, integers_at_the_ends_of_a_range)
{
    struct scan scan = scan_of("-1 0 255 256");
    int64_t value;

    cr_assert_not(scan_integer(&scan, 0, 255, &value));
    cr_assert(scan_integer(&scan, 0, 255, &value));
    cr_assert(scan_integer(&scan, 0, 255, &value));
    cr_assert_eq(value, 255);
    cr_assert_not(scan_integer(&scan, 0, 255, &value));
}

static void expect_real(const char *json, double expected)
{
    struct scan scan = scan_of(json);
    double value;

    cr_assert(scan_real_or_null(&scan, &value), "%s", json);
    cr_assert(isnan(expected) ? isnan(value) : memcmp(&value, &expected, sizeof value) == 0, "%s",
              json);
    cr_assert(scan_end(&scan), "%s", json);
}

Test(scan, reals)
{
    expect_real("0", 0);
    expect_real("-0.0", -0.0);
    expect_real("12", 12);
    expect_real("0.5", 0.5);
    expect_real("-2.5e-3", -2.5e-3);
    expect_real("1E+2", 100);
    expect_real("1e2", 100);
    expect_real("1.7976931348623157e308", 1.7976931348623157e308);
    expect_real("4.9406564584124654e-324", 4.9406564584124654e-324);
    expect_real("1e-999", 0);
    expect_real(" null ", NAN);
}

Test(scan, what_is_no_real)
{
    static const char *const cases[] = {
        "",       "-",     "+1",   "01.5", ".5",  "1.",       "1.e5", "1e",      "1e+",
        "0x1p3",  "inf",   "-inf", "nan",  "NaN", "Infinity", "nul",  "\"1.5\"", "1e999",
        "-1e999", "1.5.5", "1,5",  "true", "[1]", "NULL",     "nullx"};

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct scan scan = scan_of(cases[i]);
        double value;
        cr_assert_not(scan_real_or_null(&scan, &value) && scan_end(&scan), "%s", cases[i]);
    }
}

static bool is_value(const char *json, unsigned depth)
{
    struct scan scan = scan_of(json);

    return scan_any(&scan, depth) && scan_end(&scan);
}

Test(scan, any_value)
{
    static const char *const cases[] = {"0",
                                        "-1.5e+9",
                                        "123456789012345678901234567890",
                                        "true",
                                        " false ",
                                        "null",
                                        "\"a\\u00e9\"",
                                        "[]",
                                        "{}",
                                        "[ ]",
                                        "{\n}",
                                        "[1,\"a\" , null ,[true,{}]]",
                                        "{\"a\":1, \"b\" : [2] ,\"c\":{\"a\":{}}}"};

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        cr_assert(is_value(cases[i], 3), "%s", cases[i]);
}

Test(scan, what_is_no_value)
{
    static const char *const cases[] = {"",
                                        "tru",
                                        "True",
                                        "nil",
                                        "truefalse",
                                        "1 2",
                                        "[",
                                        "]",
                                        "[1",
                                        "[1,",
                                        "[1,]",
                                        "[,1]",
                                        "[1 2]",
                                        "[1}",
                                        "{",
                                        "}",
                                        "{1:2}",
                                        "{\"a\"}",
                                        "{\"a\":}",
                                        "{\"a\" 1}",
                                        "{\"a\":1",
                                        "{,}",
                                        "{\"a\":1,}",
                                        "{\"a\":1]",
                                        "{\"a\":1 \"b\":2}",
                                        "'a'",
                                        "/* */ 1",
                                        "1 // one",
                                        "[\"a]",
                                        "\xef\xbb\xbf"
                                        "1"};

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        cr_assert_not(is_value(cases[i], 3), "%s", cases[i]);
}

Test(scan, nesting_is_bounded)
{
    cr_assert(is_value("1", 0));
    cr_assert_not(is_value("[]", 0));
    cr_assert(is_value("[[{\"a\":1}]]", 3));
    cr_assert_not(is_value("[[{\"a\":[]}]]", 3));
}

Test(scan, a_mark_that_is_not_there_is_not_taken)
{
    struct scan scan = scan_of(" { ,");

    cr_assert_not(scan_mark(&scan, ','));
    cr_assert(scan_mark(&scan, '{'));
    cr_assert_not(scan_end(&scan));
    cr_assert(scan_mark(&scan, ','));
    cr_assert(scan_end(&scan));
    cr_assert(scan_end(&scan));
}
