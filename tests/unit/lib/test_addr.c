/* SPDX-License-Identifier: MIT */
/* Text <-> address. */
#include "../../support/c/guard_page.h"
#include "p0fclient.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <stdio.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define ROUNDS 20000

static struct p0f_addr parsed(const char *text)
{
    struct p0f_addr addr = {0};

    cr_assert_eq(p0f_addr_parse(text, strlen(text), &addr), P0F_OK, "%s", text);
    return addr;
}

static void assert_canonical(const char *text, const char *canonical)
{
    struct p0f_addr addr = parsed(text);
    char out[P0F_ADDR_TEXT_SIZE];

    cr_assert_eq(p0f_addr_format(&addr, out), strlen(canonical), "%s", text);
    cr_assert_str_eq(out, canonical, "%s became %s", text, out);
}

Test(addr, canonical_text)
{
    static const char *const pairs[][2] = {
        {"0.0.0.0", "0.0.0.0"},
        {"255.255.255.255", "255.255.255.255"},
        {"1.10.100.9", "1.10.100.9"},
        {"99.101.209.200", "99.101.209.200"},
        {"::", "::"},
        {"::1", "::1"},
        {"1::", "1::"},
        {"0:0:0:0:0:0:0:1", "::1"},
        {"2001:DB8::ABCD", "2001:db8::abcd"},
        {"2001:0db8::0001", "2001:db8::1"},
        /* One zero group alone is written out. */
        {"2001:db8::1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
        {"::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"},
        {"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},
        /* The longest run is shortened, the first of equals. */
        {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},
        {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
        {"0:0:1:0:0:0:0:0", "0:0:1::"},
        {"1:0:0:2:3:4:0:0", "1::2:3:4:0:0"},
        /* Always hexadecimal groups. */
        {"::1.2.3.4", "::102:304"},
        {"::0:1:2", "::1:2"},
        {"64:ff9b::192.0.2.33", "64:ff9b::c000:221"},
        {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
        {"ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255",
         "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
    };

    for (size_t i = 0; i < COUNT(pairs); i++)
        assert_canonical(pairs[i][0], pairs[i][1]);
}

Test(addr, brackets_are_taken_off)
{
    assert_canonical("[::1]", "::1");
    assert_canonical("[2001:db8::1]", "2001:db8::1");
    assert_canonical("[192.0.2.1]", "192.0.2.1");
}

Test(addr, mapped_addresses_become_ipv4)
{
    static const char *const same[] = {
        "::ffff:192.0.2.1",         "::FFFF:192.0.2.1",   "::ffff:c000:201",
        "0:0:0:0:0:ffff:c000:0201", "[::ffff:192.0.2.1]",
    };
    struct p0f_addr plain = parsed("192.0.2.1");

    cr_assert_eq(plain.type, 4);
    for (size_t i = 0; i < COUNT(same); i++) {
        struct p0f_addr addr = parsed(same[i]);
        cr_assert_arr_eq(&addr, &plain, sizeof addr, "%s", same[i]);
    }
}

Test(addr, near_mapped_addresses_stay_ipv6)
{
    static const char *const other[] = {
        "::192.0.2.1",       "::fffe:192.0.2.1", "::ffff:0:192.0.2.1",
        "1::ffff:192.0.2.1", "::1:ffff:1:1",
    };

    for (size_t i = 0; i < COUNT(other); i++)
        cr_assert_eq(parsed(other[i]).type, 6, "%s", other[i]);
}

Test(addr, bytes_are_those_of_the_query)
{
    static const uint8_t v4[17] = {4, 192, 0, 2, 1};
    static const uint8_t v6[17] = {6, 0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    struct p0f_addr addr;

    memset(&addr, 0xff, sizeof addr);
    cr_assert_eq(p0f_addr_parse("192.0.2.1", 9, &addr), P0F_OK);
    cr_assert_eq(sizeof addr, sizeof v4);
    cr_assert_arr_eq(&addr, v4, sizeof v4);
    cr_assert_eq(p0f_addr_parse("2001:db8::1", 11, &addr), P0F_OK);
    cr_assert_arr_eq(&addr, v6, sizeof v6);
}

Test(addr, refusals_say_why)
{
    static const struct {
        const char *text;
        enum p0f_error error;
    } bad[] = {
        {"", P0F_ADDR_EMPTY},
        {"[]", P0F_ADDR_EMPTY},
        {"[", P0F_ADDR_BRACKETS},
        {"]", P0F_ADDR_BRACKETS},
        {"[::1", P0F_ADDR_BRACKETS},
        {"::1]", P0F_ADDR_BRACKETS},
        {"[[::1]]", P0F_ADDR_BRACKETS},
        {"[::1]:80", P0F_ADDR_BRACKETS},
        {"][", P0F_ADDR_BRACKETS},
        {"fe80::1%eth0", P0F_ADDR_ZONE},
        {"[fe80::1%1]", P0F_ADDR_ZONE},
        {"fe80::1%", P0F_ADDR_ZONE},
        {"10.0.0.0/8", P0F_ADDR_CIDR},
        {"2001:db8::/32", P0F_ADDR_CIDR},
        {"010.0.0.1", P0F_ADDR_LEADING_ZERO},
        {"1.2.3.04", P0F_ADDR_LEADING_ZERO},
        {"1.00.3.4", P0F_ADDR_LEADING_ZERO},
        {"::ffff:01.2.3.4", P0F_ADDR_LEADING_ZERO},
        {"localhost", P0F_ADDR_SYNTAX},
        {"1.2.3", P0F_ADDR_SYNTAX},
        {"1.2.3.4.5", P0F_ADDR_SYNTAX},
        {"1.2.3.256", P0F_ADDR_SYNTAX},
        {"1.2.3.", P0F_ADDR_SYNTAX},
        {"1..3.4", P0F_ADDR_SYNTAX},
        {"-1.2.3.4", P0F_ADDR_SYNTAX},
        {"0x7f.0.0.1", P0F_ADDR_SYNTAX},
        {"2130706433", P0F_ADDR_SYNTAX},
        {" 1.2.3.4", P0F_ADDR_SYNTAX},
        {"1.2.3.4 ", P0F_ADDR_SYNTAX},
        {"1.2.3.4:80", P0F_ADDR_SYNTAX},
        {":", P0F_ADDR_SYNTAX},
        {":::", P0F_ADDR_SYNTAX},
        {"1::2::3", P0F_ADDR_SYNTAX},
        {"1:2:3:4:5:6:7", P0F_ADDR_SYNTAX},
        {"1:2:3:4:5:6:7:8:9", P0F_ADDR_SYNTAX},
        {"12345::", P0F_ADDR_SYNTAX},
        {"g::", P0F_ADDR_SYNTAX},
        {"0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000", P0F_ADDR_TOO_LONG},
    };

    for (size_t i = 0; i < COUNT(bad); i++) {
        struct p0f_addr addr, before;

        memset(&addr, 0xa5, sizeof addr);
        before = addr;
        enum p0f_error error = p0f_addr_parse(bad[i].text, strlen(bad[i].text), &addr);
        cr_assert_eq(error, bad[i].error, "%s: %s", bad[i].text, p0f_strerror(error));
        cr_assert_arr_eq(&addr, &before, sizeof addr, "%s was written", bad[i].text);
    }
}

Test(addr, embedded_nul_is_an_error)
{
    struct p0f_addr addr;

    cr_assert_eq(p0f_addr_parse("1.2.3.4\0", 8, &addr), P0F_ADDR_SYNTAX);
    cr_assert_eq(p0f_addr_parse("1.2.3.4\0junk", 12, &addr), P0F_ADDR_SYNTAX);
    cr_assert_eq(p0f_addr_parse("\0", 1, &addr), P0F_ADDR_SYNTAX);
}

Test(addr, reads_no_further_than_told)
{
    static const char *const texts[] = {"192.0.2.1", "[2001:db8::1]", "fe80::1%eth0", "[", "0",
                                        ":"};
    uint8_t *end = guard_page_end();
    struct p0f_addr addr;

    cr_assert_not_null(end);
    for (size_t i = 0; i < COUNT(texts); i++) {
        for (size_t length = 0; length <= strlen(texts[i]); length++) {
            const char *text = (const char *)guard_page_put(end, texts[i], length);
            enum p0f_error error = p0f_addr_parse(text, length, &addr);
            cr_assert(error == P0F_OK || error >= P0F_ADDR_EMPTY);
        }
    }
    cr_assert_eq(p0f_addr_parse("1.2.3.45", 7, &addr), P0F_OK);
    cr_assert_eq(addr.bytes[3], 4);
    guard_page_free(end);
}

/* Half of the groups are zero, so that runs of every shape turn up. */
static struct p0f_addr some_addr(unsigned *seed)
{
    struct p0f_addr addr = {.type = rand_r(seed) % 4 ? 6 : 4};

    for (int i = 0; i < (addr.type == 4 ? 4 : 16); i += 2) {
        if (rand_r(seed) % 2)
            continue;
        addr.bytes[i] = (uint8_t)(rand_r(seed) >> 8);
        addr.bytes[i + 1] = (uint8_t)(rand_r(seed) >> 8);
    }
    return addr;
}

Test(addr, many_go_round)
{
    unsigned seed = 2026;

    for (int i = 0; i < ROUNDS; i++) {
        struct p0f_addr addr = some_addr(&seed), again;
        char text[P0F_ADDR_TEXT_SIZE];
        uint8_t judge[16] = {0};
        size_t length = p0f_addr_format(&addr, text);

        cr_assert_lt(length, sizeof text);
        cr_assert_eq(length, strlen(text));
        cr_assert_eq(inet_pton(addr.type == 4 ? AF_INET : AF_INET6, text, judge), 1, "%s", text);
        cr_assert_arr_eq(judge, addr.bytes, sizeof judge, "%s", text);
        cr_assert_eq(p0f_addr_parse(text, length, &again), P0F_OK, "%s", text);
        cr_assert_arr_eq(&again, &addr, sizeof addr, "%s", text);
    }
}

Test(addr, each_digit_after_a_zero_is_told)
{
    struct p0f_addr addr;
    char text[16];

    for (char digit = '0'; digit <= '9'; digit++) {
        snprintf(text, sizeof text, "192.0.2.0%c", digit);
        cr_assert_eq(p0f_addr_parse(text, strlen(text), &addr), P0F_ADDR_LEADING_ZERO, "%s", text);
        snprintf(text, sizeof text, "0%c.0.2.1", digit);
        cr_assert_eq(p0f_addr_parse(text, strlen(text), &addr), P0F_ADDR_LEADING_ZERO, "%s", text);
    }
}

Test(addr, invalid_arguments)
{
    struct p0f_addr addr;

    cr_assert_eq(p0f_addr_parse(NULL, 1, &addr), P0F_INVALID);
    cr_assert_eq(p0f_addr_parse(NULL, 0, &addr), P0F_ADDR_EMPTY);
    cr_assert_eq(p0f_addr_parse("::1", 3, NULL), P0F_INVALID);
}
