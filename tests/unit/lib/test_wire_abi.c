/* SPDX-License-Identifier: MIT */
/* What programs are compiled with. If one of these changes, the library needs another soname. */
#include "p0fclient.h"

#include <criterion/criterion.h>
#include <stdio.h>

#if __SIZEOF_POINTER__ == 8
Test(wire_abi, layout)
{
    cr_assert_eq(sizeof(struct p0f_addr), 17);
    cr_assert_eq(sizeof(struct p0f_host), 320);
    cr_assert_eq(offsetof(struct p0f_host, last_freq), 8);
    cr_assert_eq(offsetof(struct p0f_host, first_seen), 16);
    cr_assert_eq(offsetof(struct p0f_host, distance), 44);
    cr_assert_eq(offsetof(struct p0f_host, os_name), 48);
    cr_assert_eq(offsetof(struct p0f_host, link_mtu), 180);
    cr_assert_eq(offsetof(struct p0f_host, language), 219);
    cr_assert_eq(sizeof(struct p0f_answer), 328);
    cr_assert_eq(offsetof(struct p0f_answer, host), 8);
}
#endif

Test(wire_abi, numbers)
{
    cr_assert(P0F_OK == 0 && P0F_BAD_QUERY == 2);
    cr_assert(P0F_MALFORMED == 16 && P0F_INVALID == 26);
    cr_assert(P0F_ADDR_EMPTY == 64 && P0F_ADDR_SYNTAX == 70);
    cr_assert(P0F_DIALECT_AUTO == 0 && P0F_DIALECT_SIG == 5);
    cr_assert(P0F_ADDR_TEXT_SIZE == 46 && P0F_TEXT_SIZE == 33 && P0F_ANSWER_MAX == 1024);
}

Test(wire_abi, the_version_of_the_header_and_of_the_library)
{
    char number[32];

    cr_assert_str_eq(p0f_client_version(), P0FCLIENT_VERSION);
    snprintf(number, sizeof number, "%d.%d.%d", P0FCLIENT_VERSION_NUMBER >> 16,
             P0FCLIENT_VERSION_NUMBER >> 8 & 0xff, P0FCLIENT_VERSION_NUMBER & 0xff);
    cr_assert_str_eq(number, P0FCLIENT_VERSION);
}
