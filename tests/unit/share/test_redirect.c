/* SPDX-License-Identifier: MIT */
#include "share/redirect.h"

#include <criterion/criterion.h>
#include <string.h>

static struct redirect read_redirect(const char *text)
{
    struct redirect redirect;

    memset(&redirect, 0x55, sizeof redirect);
    cr_assert(redirect_parse(span_of(text), &redirect), "%s", text);
    return redirect;
}

static void expect_address(const char *text, const char *host, uint16_t port)
{
    struct redirect redirect = read_redirect(text);

    cr_assert_str_eq(redirect.address.host, host, "%s", text);
    cr_assert_eq(redirect.address.port, port, "%s", text);
}

Test(redirect, kind)
{
    cr_assert_not(read_redirect("MOVED 3999 127.0.0.1:6381").asking);
    cr_assert(read_redirect("ASK 3999 127.0.0.1:6381").asking);
}

Test(redirect, address)
{
    expect_address("MOVED 3999 127.0.0.1:6381", "127.0.0.1", 6381);
    expect_address("MOVED 0 redis-1.example:1", "redis-1.example", 1);
    expect_address("ASK 16383 2001:db8::1:65535", "2001:db8::1", 65535);
    expect_address("MOVED 3999 [2001:db8::1]:6381", "2001:db8::1", 6381);
    expect_address("MOVED 3999 ::1:6381", "::1", 6381);
}

Test(redirect, same_host)
{
    expect_address("MOVED 3999 :6381", "", 6381);
}

Test(redirect, longest_host)
{
    char text[512] = "MOVED 1 ";

    memset(text + 8, 'a', 255);
    strcpy(text + 8 + 255, ":6379");
    cr_assert_eq(strlen(read_redirect(text).address.host), 255);
    memset(text + 8, 'a', 256);
    strcpy(text + 8 + 256, ":6379");
    cr_assert_not(redirect_parse(span_of(text), &(struct redirect){0}));
}

Test(redirect, anything_else)
{
    static const char *const others[] = {
        "",
        "ERR unknown command",
        "MOVED",
        "MOVED ",
        "MOVED 3999",
        "MOVED 3999 ",
        "MOVED 3999 127.0.0.1",
        "MOVED 3999 127.0.0.1:",
        "MOVED 3999 x6381",
        "MOVED 3999 127.0.0.1:0",
        "MOVED 3999 127.0.0.1:65536",
        "MOVED 3999 127.0.0.1:63x",
        "MOVED 3999 127.0.0.1:6381 ",
        "MOVED 3999  127.0.0.1:6381",
        "MOVED 16384 127.0.0.1:6381",
        "MOVED -1 127.0.0.1:6381",
        "MOVED x 127.0.0.1:6381",
        "MOVED  127.0.0.1:6381",
        "MOVED 3999 ?:6381",
        "MOVED 3999 a/b:6381",
        "MOVED 3999 a@b:6381",
        "moved 3999 127.0.0.1:6381",
        "ASKING 3999 127.0.0.1:6381",
        "TRYAGAIN Multiple keys request during rehashing of slot",
    };

    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        cr_assert_not(redirect_parse(span_of(others[i]), &(struct redirect){0}), "%s", others[i]);
}

Test(redirect, no_byte_beyond_the_end)
{
    cr_assert_not(
        redirect_parse((struct span){"MOVED 3999 127.0.0.1:6381", 20}, &(struct redirect){0}));
    cr_assert_not(
        redirect_parse((struct span){"MOVED 3999 127.0.0.1:6381", 21}, &(struct redirect){0}));
    struct redirect redirect;
    cr_assert(redirect_parse((struct span){"MOVED 3999 127.0.0.1:6381", 22}, &redirect));
    cr_assert_eq(redirect.address.port, 6);
}

Test(redirect, a_nul_is_no_host)
{
    cr_assert_not(redirect_parse((struct span){"MOVED 3999 a\0b:6381", 19}, &(struct redirect){0}));
}
