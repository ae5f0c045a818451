/* SPDX-License-Identifier: MIT */
#include "net/server_names.h"

#include <criterion/criterion.h>
#include <stdio.h>

static struct server_names *read_good(const char *text)
{
    char error[SERVER_NAMES_ERROR_SIZE] = "";
    struct server_names *names = server_names_parse(text, error);

    cr_assert_not_null(names, "%s: %s", text, error);
    return names;
}

static void expect(const char *text, const char *host, bool allowed)
{
    struct server_names *names = read_good(text);

    cr_assert_eq(server_names_allow(names, span_of(host)), allowed, "%s, %s", text, host);
    server_names_free(names);
}

static void expect_refused(const char *text, const char *message)
{
    char error[SERVER_NAMES_ERROR_SIZE] = "";

    cr_assert_null(server_names_parse(text, error), "%s", text);
    cr_assert_str_eq(error, message, "%s: %s", text, error);
}

Test(server_names, none_is_every_name)
{
    expect("", "evil.example", true);
    expect(" \t", "evil.example", true);
    expect("", "", true);
    server_names_free(NULL);
}

Test(server_names, names_listed)
{
    const char *list = "p0f.example.org, Dashboard ,a_b-c.example.";

    expect(list, "p0f.example.org", true);
    expect(list, "P0F.Example.ORG", true);
    expect(list, "p0f.example.org:5030", true);
    expect(list, "p0f.example.org:", true);
    expect(list, "p0f.example.org.", true);
    expect(list, "p0f.example.org.:80", true);
    expect(list, "p0f.example.org \t", true);
    expect(list, "dashboard", true);
    expect(list, "a_b-c.example:1", true);
}

Test(server_names, other_names)
{
    const char *hosts[] = {"example.org",
                           "evil.p0f.example.org",
                           "p0f.example.org.evil.example",
                           "p0f.example.orgx",
                           "p0f.example.or",
                           "xp0f.example.org",
                           "p0f.example.org..",
                           "evil.example:5030",
                           "localhost.evil.example",
                           "127.0.0.1.nip.io",
                           "127.0.0.1x",
                           "1.2.3",
                           "[::1].evil.example",
                           "[evil.example]",
                           "[]",
                           "[",
                           "[::1",
                           "a:b:c",
                           "p0f.example.org:80:80",
                           "user@p0f.example.org",
                           ".localhost",
                           "x.localhost",
                           "evil%2eexample",
                           ".",
                           "127.0.0.1%00.evil.example:80:x"};

    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++)
        expect("p0f.example.org", hosts[i], false);
}

/* No DNS server has a say in what these mean. */
Test(server_names, names_always_allowed)
{
    const char *hosts[] = {"",
                           " ",
                           ":5030",
                           "localhost",
                           "LocalHost:80",
                           "localhost.",
                           "127.0.0.1",
                           "192.0.2.1:5030",
                           "127.0.0.1.",
                           "[::1]",
                           "[2001:DB8::1]:80",
                           "::1",
                           "[::ffff:192.0.2.1]",
                           "[fe80::1%25eth0]:80"};

    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++)
        expect("p0f.example.org", hosts[i], true);
}

Test(server_names, addresses_may_be_listed)
{
    expect("192.0.2.1, 2001:db8::1, [::1]", "evil.example", false);
    expect("192.0.2.1", "192.0.2.2", true);
}

#define URL ": a URL is not a host name; did you mean "
#define PORT ": the port makes no difference, so it must not be given; did you mean "
#define PATH ": a host name has no path; did you mean "
#define PATTERN ": patterns are not supported, only whole names"

Test(server_names, suggests_what_was_meant)
{
    expect_refused("https://p0f.example.org:5030/x",
                   "https://p0f.example.org:5030/x" URL "p0f.example.org?");
    expect_refused("a, http://[::1]:80", "http://[::1]:80" URL "[::1]?");
    expect_refused("p0f.example.org:5030", "p0f.example.org:5030" PORT "p0f.example.org?");
    expect_refused("[::1]:5030", "[::1]:5030" PORT "[::1]?");
    expect_refused("p0f.example.org/", "p0f.example.org/" PATH "p0f.example.org?");
    expect_refused("p0f:80/x", "p0f:80/x" PATH "p0f?");
}

Test(server_names, what_is_refused)
{
    expect_refused("*.example.org", "*.example.org" PATTERN);
    expect_refused("a, .example.org", ".example.org" PATTERN);
    expect_refused("*", "*: leave the setting empty to allow every name");
    expect_refused("a b", "a b: names are separated by commas");
    expect_refused("b\xc3\xbc"
                   "cher.example",
                   "b\xc3\xbc"
                   "cher.example: expected the name in ASCII, as browsers send it (xn--...)");
    expect_refused("unix:/run/x", "unix:/run/x: requests over unix sockets are always accepted");
    expect_refused("a,,b", "item 2 is empty");
    expect_refused("a,", "item 2 is empty");
}

Test(server_names, garbage)
{
    const char *texts[] = {"\"a\"", "a..b", "a..", "a@b", "http://", "http://*x",
                           ":80",   "[::1", "[a]", "a;b", "a\x01",   "/"};
    char message[SERVER_NAMES_ERROR_SIZE], label[70] = "";

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        snprintf(message, sizeof message, "%s%s", texts[i], i == 5 ? PATTERN : ": not a host name");
        expect_refused(texts[i], message);
    }
    memset(label, 'x', 63);
    expect(label, label, true);
    label[63] = 'x';
    snprintf(message, sizeof message, "%.50s: not a host name", label);
    expect_refused(label, message);
}
