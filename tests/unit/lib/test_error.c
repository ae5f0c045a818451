/* SPDX-License-Identifier: MIT */
/* Every error has words of its own. */
#include "p0fclient.h"

#include <criterion/criterion.h>

Test(error, each_has_its_own_words)
{
    for (int a = P0F_OK; a <= P0F_ADDR_SYNTAX; a++) {
        cr_assert_not_null(p0f_strerror((enum p0f_error)a));
        cr_assert_str_neq(p0f_strerror((enum p0f_error)a), "");
        cr_assert_str_neq(p0f_strerror((enum p0f_error)a), "unknown error", "error %d", a);
        for (int b = P0F_OK; b < a; b++)
            cr_assert_str_neq(p0f_strerror((enum p0f_error)a), p0f_strerror((enum p0f_error)b),
                              "errors %d and %d", a, b);
    }
}

Test(error, words_are_a_fragment)
{
    for (int e = P0F_OK; e <= P0F_ADDR_SYNTAX; e++) {
        const char *words = p0f_strerror((enum p0f_error)e);

        cr_assert_null(strchr(words, '\n'), "%s", words);
        cr_assert_neq(words[strlen(words) - 1], '.', "%s", words);
    }
}

Test(error, the_same_each_time)
{
    cr_assert_eq(p0f_strerror(P0F_TIMEOUT), p0f_strerror(P0F_TIMEOUT), "not static");
    cr_assert_str_eq(p0f_strerror(P0F_OK), "success");
}

Test(error, a_stranger_is_not_null)
{
    cr_assert_str_eq(p0f_strerror((enum p0f_error)(P0F_ADDR_SYNTAX + 1)), "unknown error");
}
