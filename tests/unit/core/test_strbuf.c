/* SPDX-License-Identifier: MIT */
#include "core/strbuf.h"

#include <criterion/criterion.h>

static void expect(const struct strbuf *buf, const char *text)
{
    cr_assert_eq(buf->used, strlen(text), "%.*s", (int)buf->used, buf->text);
    cr_assert_arr_eq(buf->text, text, buf->used);
}

Test(strbuf, puts_one_behind_the_other)
{
    char room[32];
    struct strbuf buf = strbuf_on(room, sizeof room);

    expect(&buf, "");
    strbuf_puts(&buf, "max-age=");
    strbuf_put_number(&buf, 60);
    strbuf_put(&buf, ", xyz", 3);
    strbuf_put_number(&buf, -7);
    strbuf_puts(&buf, "");
    expect(&buf, "max-age=60, x-7");
    cr_assert_not(buf.failed);
}

Test(strbuf, is_filled_to_the_last_byte)
{
    char room[5] = "####!";
    struct strbuf buf = strbuf_on(room, 4);

    strbuf_puts(&buf, "ab");
    strbuf_put_number(&buf, 12);
    strbuf_puts(&buf, "");
    cr_assert_not(buf.failed);
    expect(&buf, "ab12");
    strbuf_put(&buf, "c", 1);
    cr_assert(buf.failed);
    expect(&buf, "ab12");
    cr_assert_eq(room[4], '!');
}

Test(strbuf, leaves_out_what_does_not_fit_and_says_so_for_good)
{
    char room[6] = "#####!";
    struct strbuf buf = strbuf_on(room, 5);

    strbuf_puts(&buf, "abc");
    strbuf_put_number(&buf, 123);
    cr_assert(buf.failed);
    expect(&buf, "abc");
    strbuf_puts(&buf, "de");
    cr_assert(buf.failed, "although this had room");
    cr_assert_eq(room[5], '!');
}

Test(strbuf, of_no_bytes)
{
    struct strbuf buf = strbuf_on(NULL, 0);

    strbuf_puts(&buf, "x");
    cr_assert(buf.failed);
    cr_assert_eq(buf.used, 0);
}
