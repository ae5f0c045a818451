/* SPDX-License-Identifier: MIT */
#include "core/sensor_name.h"

#include <criterion/criterion.h>

#define SIXTY "0123456789abcdefghijABCDEFGHIJ0123456789abcdefghijABCDEFGHIJ"

Test(sensor_name, in_settings)
{
    static const char *const good[] = {"wan", "a", "0",        "web-3.example.org",
                                       "A_b", ".", SIXTY "xyz"};
    static const char *const bad[] = {"",    "a b", " a", "a/b",   "/",         "a=b",
                                      "a,b", "a:b", "é",  "a\"b",  "a{b}",      "a\x7f",
                                      "a\n", "a;b", "@a", "a%20b", SIXTY "wxyz"};

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        cr_assert(sensor_name_valid(span_of(good[i])), "%s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        cr_assert_not(sensor_name_valid(span_of(bad[i])), "%s", bad[i]);
    cr_assert_not(sensor_name_valid((struct span){"a\0b", 3}));
    cr_assert(sensor_name_valid((struct span){"ab/", 2}));
}

Test(sensor_name, in_answers)
{
    static const char *const good[] = {"wan", "web1/wan", SIXTY "xyz/" SIXTY "xyz"};
    static const char *const bad[] = {"",
                                      "/",
                                      "web1/",
                                      "/wan",
                                      "a/b/c",
                                      "a//b",
                                      "a b/c",
                                      SIXTY "wxyz/"
                                            "a",
                                      "a/" SIXTY "wxyz"};

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        cr_assert(sensor_name_valid_in_answer(span_of(good[i])), "%s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        cr_assert_not(sensor_name_valid_in_answer(span_of(bad[i])), "%s", bad[i]);
}
