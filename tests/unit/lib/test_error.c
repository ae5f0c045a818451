/* SPDX-License-Identifier: MIT */
/* Every error has words of its own. */
#include "p0fclient.h"

#include <criterion/criterion.h>

#define EACH_ERROR(e)                                                                              \
    int e = P0F_OK;                                                                                \
    e <= P0F_ADDR_SYNTAX;                                                                          \
    e = e == P0F_BAD_QUERY ? P0F_MALFORMED : e == P0F_INVALID ? P0F_ADDR_EMPTY : e + 1

Test(error, each_has_its_own_words)
{
    for (EACH_ERROR(a)) {
        cr_assert_not_null(p0f_strerror((enum p0f_error)a));
        cr_assert_str_neq(p0f_strerror((enum p0f_error)a), "");
        cr_assert_str_neq(p0f_strerror((enum p0f_error)a), "unknown error", "error %d", a);
        for (EACH_ERROR(b))
            cr_assert(a == b || strcmp(p0f_strerror((enum p0f_error)a),
                                       p0f_strerror((enum p0f_error)b)) != 0,
                      "errors %d and %d", a, b);
    }
}

Test(error, words_are_a_fragment)
{
    for (EACH_ERROR(e)) {
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
    static const int strangers[] = {-1, P0F_BAD_QUERY + 1, P0F_INVALID + 1, P0F_ADDR_SYNTAX + 1};

    for (int i = 0; i < 4; i++)
        cr_assert_str_eq(p0f_strerror((enum p0f_error)strangers[i]), "unknown error");
}
