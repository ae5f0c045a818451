/* SPDX-License-Identifier: MIT */
#include "http/escape.h"

#include <criterion/criterion.h>
#include <string.h>

static void expect(const char *text, size_t max, size_t size, const char *expected)
{
    char out[64];

    memset(out, '#', sizeof out);
    escape(text, max, out, size);
    cr_assert_str_eq(out, expected);
    cr_assert_eq(out[size], '#', "%s", text);
}

Test(escape, printable_text_stays)
{
    expect("/host/192.0.2.1 ~!'#", 50, 60, "/host/192.0.2.1 ~!'#");
    expect("", 50, 60, "");
}

Test(escape, what_could_be_misread)
{
    expect("a\"b\\c", 50, 60, "a\\\"b\\\\c");
    expect("\x01\n\r\t\x1f\x7f", 50, 60, "\\x01\\x0A\\x0D\\x09\\x1F\\x7F");
    expect("\x80\xff\xc3\xa4", 50, 60, "\\x80\\xFF\\xC3\\xA4");
    expect("\\x41", 50, 60, "\\\\x41");
}

Test(escape, only_so_many_bytes)
{
    expect("abcdef", 3, 60, "abc");
    expect("\n\n\n", 2, ESCAPE_SIZE(2), "\\x0A\\x0A");
    expect("abc", 0, 60, "");
}

Test(escape, nothing_is_cut_in_two)
{
    expect("abc", 50, 3, "ab");
    expect("ab\n", 50, 6, "ab");
    expect("ab\n", 50, 7, "ab\\x0A");
    expect("a\"", 50, 3, "a");
    expect("a", 50, 1, "");
}
