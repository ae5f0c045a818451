/* SPDX-License-Identifier: MIT */
#include "net/host_port.h"

#include <criterion/criterion.h>

static void expect(const char *text, const char *expected_host, const char *expected_port)
{
    struct span host, port;

    host_port_split(span_of(text), &host, &port);
    cr_assert(span_equals(host, expected_host), "%s: %.*s", text, (int)host.length, host.at);
    cr_assert_eq(port.at != NULL, expected_port != NULL, "%s", text);
    if (expected_port)
        cr_assert(span_equals(port, expected_port), "%s: %.*s", text, (int)port.length, port.at);
}

Test(host_port, without_a_port)
{
    expect("", "", NULL);
    expect("example.org", "example.org", NULL);
    expect("192.0.2.1", "192.0.2.1", NULL);
    expect("[2001:db8::1]", "[2001:db8::1]", NULL);
    expect("2001:db8::1", "2001:db8::1", NULL);
    expect("::", "::", NULL);
    expect("[", "[", NULL);
    expect("[]", "[]", NULL);
    expect("[::1", "[::1", NULL);
    expect("[::1]80", "[::1]80", NULL);
}

Test(host_port, with_a_port)
{
    expect("example.org:5030", "example.org", "5030");
    expect("192.0.2.1:80", "192.0.2.1", "80");
    expect("[2001:db8::1]:80", "[2001:db8::1]", "80");
    expect("[a]b:80", "[a]b", "80");
}

Test(host_port, nothing_is_checked)
{
    expect("example.org:", "example.org", "");
    expect(":80", "", "80");
    expect(":", "", "");
    expect("a:b", "a", "b");
    expect("[::1]::", "[::1]::", NULL);
}
