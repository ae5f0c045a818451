/* SPDX-License-Identifier: MIT */
#include "net/peer.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

static struct p0f_addr parsed(const char *text)
{
    struct p0f_addr addr;

    cr_assert_eq(p0f_addr_parse(text, strlen(text), &addr), P0F_OK);
    return addr;
}

static void expect(const struct sockaddr *name, const char *text)
{
    struct p0f_addr addr, expected = parsed(text);
    struct sockaddr_storage again;

    cr_assert(peer_addr(name, &addr));
    cr_assert_eq(memcmp(&addr, &expected, sizeof addr), 0, "%s", text);
    cr_assert_eq(peer_name(&addr, &again), again.ss_family == AF_INET
                                               ? sizeof(struct sockaddr_in)
                                               : sizeof(struct sockaddr_in6));
    cr_assert_eq(again.ss_family, addr.type == 4 ? AF_INET : AF_INET6);
    cr_assert(peer_addr((const struct sockaddr *)&again, &addr));
    cr_assert_eq(memcmp(&addr, &expected, sizeof addr), 0, "%s", text);
}

Test(peer, ipv4)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = inet_addr("192.0.2.7")};

    expect((const struct sockaddr *)&name, "192.0.2.7");
}

Test(peer, ipv6_and_ipv4_in_it)
{
    static const char *const texts[] = {"2001:db8::7", "::1", "::ffff:192.0.2.7", "::192.0.2.7"};

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct sockaddr_in6 name = {.sin6_family = AF_INET6};
        cr_assert_eq(inet_pton(AF_INET6, texts[i], &name.sin6_addr), 1);
        expect((const struct sockaddr *)&name, texts[i]);
    }
}

Test(peer, nobody)
{
    static const struct p0f_addr none;
    struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "/tmp/x"};
    struct p0f_addr addr = parsed("192.0.2.7");

    cr_assert_not(peer_addr((const struct sockaddr *)&name, &addr));
    cr_assert_eq(memcmp(&addr, &none, sizeof addr), 0);
    cr_assert_not(peer_addr(NULL, &addr));
}
