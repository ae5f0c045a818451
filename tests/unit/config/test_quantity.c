/* SPDX-License-Identifier: MIT */
#include "config/quantity.h"

#include <criterion/criterion.h>

static void expect_ms(const char *text, int64_t expected)
{
    int64_t ms = -1;

    cr_assert(quantity_read_duration(text, &ms), "%s", text);
    cr_assert_eq(ms, expected, "%s", text);
}

Test(quantity, durations)
{
    expect_ms("0", 0);
    expect_ms("0s", 0);
    expect_ms("1500ms", 1500);
    expect_ms("030s", 30000);
    expect_ms("5m", 300000);
    expect_ms("1h", 3600000);
    expect_ms("2d", 172800000);
    expect_ms("9223372036854775807ms", INT64_MAX);
}

Test(quantity, what_is_no_duration)
{
    static const char *const wrong[] = {"",     "s",
                                        "5",    "-1s",
                                        "1 s",  "1S",
                                        "1sm",  "1.5",
                                        "1s5m", "9223372036854775808ms",
                                        "1mss", "106751991168d"};
    int64_t ms;

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        cr_assert_not(quantity_read_duration(wrong[i], &ms), "%s", wrong[i]);
}

Test(quantity, counts)
{
    static const struct {
        const char *text;
        int64_t count;
    } of[] = {{"0", 0}, {"7", 7}, {"100k", 100000}, {"2m", 2000000}, {"1g", 1000000000}};
    int64_t count;

    for (size_t i = 0; i < sizeof of / sizeof of[0]; i++) {
        cr_assert(quantity_read_count(of[i].text, &count), "%s", of[i].text);
        cr_assert_eq(count, of[i].count, "%s", of[i].text);
    }
    cr_assert_not(quantity_read_count("1s", &count));
    cr_assert_not(quantity_read_count("9223372037g", &count));
}

Test(quantity, written_in_the_largest_unit)
{
    static const char *const texts[] = {"0", "1ms", "1500ms", "90s", "90m", "25h", "2d"};
    char space[QUANTITY_TEXT_SIZE];
    int64_t ms;

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        cr_assert(quantity_read_duration(texts[i], &ms));
        cr_assert_str_eq(quantity_format_duration(ms, space), texts[i]);
    }
}
