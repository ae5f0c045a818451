/* SPDX-License-Identifier: MIT */
#include "net/syntax.h"

#include <criterion/criterion.h>
#include <string.h>

static bool is_token(const char *text)
{
    return syntax_is_token(text, strlen(text));
}

static bool is_host(const char *text)
{
    return syntax_is_host(text, strlen(text));
}

static const char letters_and_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/* Of each byte alone. */
static void expect(bool (*is)(const char *text, size_t length), const char *marks)
{
    for (int value = 0; value < 256; value++) {
        char byte = (char)value;
        bool good = memchr(letters_and_digits, byte, sizeof letters_and_digits - 1) ||
                    memchr(marks, byte, strlen(marks));
        cr_assert_eq(is(&byte, 1), good, "%#x", (unsigned)value);
    }
}

Test(syntax, bytes_of_a_token)
{
    expect(syntax_is_token, "!#$%&'*+-.^_`|~");
}

Test(syntax, bytes_of_a_host)
{
    expect(syntax_is_host, "-._~%!$&'()*+;=:[]");
}

Test(syntax, tokens)
{
    cr_assert(is_token("Host"));
    cr_assert(is_token("X-Forwarded-For"));
    cr_assert_not(is_token(""));
    cr_assert_not(is_token("Host "));
    cr_assert_not(is_token(" Host"));
    cr_assert_not(is_token("Ho st"));
    cr_assert_not(is_token("Host\xe9"));
    cr_assert_not(syntax_is_token("Ho\0st", 5));
}

Test(syntax, hosts)
{
    cr_assert(is_host(""));
    cr_assert(is_host("example.org:5030"));
    cr_assert(is_host("[2001:db8::1]:5030"));
    cr_assert(is_host("a_container"));
    cr_assert_not(is_host("a b"));
    cr_assert_not(is_host("a,b"));
    cr_assert_not(is_host("a/b"));
    cr_assert_not(is_host("user@a"));
    cr_assert_not(syntax_is_host("a\0b", 3));
}
