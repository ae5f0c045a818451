/* SPDX-License-Identifier: MIT */
#include "core/rfc3339.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <time.h>

static void expect(int64_t seconds, const char *expected)
{
    char text[RFC3339_SIZE];

    cr_assert(rfc3339_format(seconds, text), "%" PRId64, seconds);
    cr_assert_str_eq(text, expected, "%" PRId64 ": %s", seconds, text);
}

Test(rfc3339, known_times)
{
    expect(0, "1970-01-01T00:00:00Z");
    expect(1700000000, "2023-11-14T22:13:20Z");
    expect(951782400, "2000-02-29T00:00:00Z");
    expect(UINT32_MAX, "2106-02-07T06:28:15Z");
    expect(4107542400, "2100-03-01T00:00:00Z");
    expect(INT64_C(253402300799), "9999-12-31T23:59:59Z");
}

/* Each day, and the last second of the one before, until the year 9999. */
Test(rfc3339, every_day_is_what_libc_says)
{
    for (int64_t at = 0; at <= INT64_C(253402300799); at += at % 86400 ? 1 : 86399) {
        char expected[64];
        struct tm utc;
        time_t when = (time_t)at;
        strftime(expected, sizeof expected, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&when, &utc));
        expect(at, expected);
    }
}

Test(rfc3339, every_second_of_a_day_is_what_libc_says)
{
    for (int64_t at = 1700006400; at < 1700006400 + 86400; at++) {
        char expected[64];
        struct tm utc;
        time_t when = (time_t)at;
        strftime(expected, sizeof expected, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&when, &utc));
        expect(at, expected);
    }
}

Test(rfc3339, years_of_other_than_four_digits_and_times_before_1970)
{
    static const int64_t none[] = {-1, INT64_C(253402300800), INT64_MAX, INT64_MIN};
    char text[RFC3339_SIZE];

    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        text[0] = 'x';
        cr_assert_not(rfc3339_format(none[i], text));
        cr_assert_str_empty(text);
    }
}
