/* SPDX-License-Identifier: MIT */
#include "core/number.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../support/c/guard_page.h"

static struct span guarded(const char *text)
{
    static uint8_t *end;

    if (!end)
        end = guard_page_end();
    return (struct span){(const char *)guard_page_put(end, text, strlen(text)), strlen(text)};
}

static void expect(const char *text, uint64_t max, uint64_t expected)
{
    uint64_t number = ~expected;

    cr_assert(number_parse(guarded(text), max, &number), "%s", text);
    cr_assert_eq(number, expected, "%s: %" PRIu64, text, number);
}

static void expect_none(const char *text, uint64_t max)
{
    uint64_t number = 77;

    cr_assert_not(number_parse(guarded(text), max, &number), "%s", text);
    cr_assert_eq(number, 77);
}

Test(number, reads_digits)
{
    expect("0", 9, 0);
    expect("7", 9, 7);
    expect("65535", 65535, 65535);
    expect("00000000000000000000000000000080", 80, 80);
}

Test(number, reads_nothing_but_digits)
{
    static const char *const none[] = {"",    " ",   "+1",  "-1", "1 ",   " 1",
                                       "0x1", "1.0", "1e3", "1k", "\xd9", "1,2"};

    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        expect_none(none[i], UINT64_MAX);
    for (int byte = 0; byte < 256; byte++) {
        char text[] = {'1', (char)byte};
        uint64_t number;
        cr_assert_eq(number_parse((struct span){text, 2}, 100, &number), byte >= '0' && byte <= '9',
                     "byte %d", byte);
    }
}

/* Around every bound that a single digit more can reach or overstep. */
Test(number, bounds)
{
    for (uint64_t max = 0; max < 1200; max++) {
        for (uint64_t n = 0; n < 1300; n++) {
            char text[8];
            snprintf(text, sizeof text, "%" PRIu64, n);
            if (n <= max)
                expect(text, max, n);
            else
                expect_none(text, max);
        }
    }
}

Test(number, does_not_overflow)
{
    expect("18446744073709551615", UINT64_MAX, UINT64_MAX);
    expect_none("18446744073709551616", UINT64_MAX);
    expect_none("18446744073709551620", UINT64_MAX);
    expect_none("99999999999999999999", UINT64_MAX);
    expect_none("18446744073709551617", 1);
}

Test(number, counts_the_digits_in_front)
{
    cr_assert_eq(number_digits(guarded("")), 0);
    cr_assert_eq(number_digits(guarded("x1")), 0);
    cr_assert_eq(number_digits(guarded("10ms")), 2);
    cr_assert_eq(number_digits(guarded("0123456789")), 10);
    cr_assert_eq(number_digits(guarded("1/:")), 1);
}

static void expect_text(int64_t value)
{
    char text[NUMBER_SIZE + 2], expected[32];

    memset(text, '#', sizeof text);
    size_t length = number_format(value, text);
    snprintf(expected, sizeof expected, "%" PRId64, value);
    cr_assert_eq(length, strlen(expected), "%s: %zu", expected, length);
    cr_assert_arr_eq(text, expected, length);
    for (size_t i = length; i < sizeof text; i++)
        cr_assert_eq(text[i], '#', "%s: byte %zu is written", expected, i);
}

Test(number, writes_what_printf_does)
{
    static const int64_t some[] = {0, 9, 10, 99, 100, 4294967295, INT64_MAX, INT64_MIN};

    for (size_t i = 0; i < sizeof some / sizeof some[0]; i++) {
        expect_text(some[i]);
        expect_text(some[i] == INT64_MIN ? some[i] : -some[i]);
    }
    for (int64_t power = 1; power <= INT64_MAX / 10; power *= 10) {
        expect_text(power);
        expect_text(power - 1);
        expect_text(-power);
    }
}
