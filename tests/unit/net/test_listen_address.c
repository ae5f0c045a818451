/* SPDX-License-Identifier: MIT */
#include "net/listen_address.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "../../support/c/guard_page.h"

static char error[LISTEN_ADDRESS_ERROR_SIZE];

static struct listen_address read_one(const char *text)
{
    uint8_t *end = guard_page_end();
    size_t length = strlen(text);
    struct listen_address address;

    memset(error, 'x', sizeof error);
    bool good = listen_address_parse(
        (struct span){(const char *)guard_page_put(end, text, length), length}, &address, error);
    cr_assert(good, "%s: %s", text, error);
    guard_page_free(end);
    return address;
}

static void expect(const char *text, const char *host, const char *port)
{
    struct listen_address address = read_one(text);

    cr_assert_not(address.is_unix, "%s", text);
    cr_assert_str_eq(address.host, host, "%s", text);
    cr_assert_str_eq(address.port, port, "%s", text);
}

static void expect_refused(const char *text, const char *why)
{
    uint8_t *end = guard_page_end();
    size_t length = strlen(text);
    struct listen_address address;

    memset(error, 'x', sizeof error);
    cr_assert_not(
        listen_address_parse((struct span){(const char *)guard_page_put(end, text, length), length},
                             &address, error),
        "%s", text);
    cr_assert_str_eq(error, why, "%s: %s", text, error);
    guard_page_free(end);
}

Test(listen_address, host_and_port)
{
    expect("127.0.0.1:5030", "127.0.0.1", "5030");
    expect("localhost:0", "localhost", "0");
    expect("x-1.example_2.org.:65535", "x-1.example_2.org.", "65535");
    expect("1.example:1", "1.example", "1");
    expect("[fe80::1%eth0]:80", "fe80::1%eth0", "80");
    expect("[::1]:5030", "::1", "5030");
    expect("[::]:00080", "::", "00080");
    expect("x:1", "x", "1");
}

Test(listen_address, unix_socket)
{
    struct listen_address address = read_one("unix:/run/p0f-lookupd/http.sock");

    cr_assert(address.is_unix);
    cr_assert_str_eq(address.host, "/run/p0f-lookupd/http.sock");
}

Test(listen_address, no_port)
{
    expect_refused("", "an item is empty");
    expect_refused("127.0.0.1", "'127.0.0.1' has no port");
    expect_refused("x", "'x' has no port");
    expect_refused(" ", "' ' has no port");
    expect_refused("[::1]", "'[::1]' has no port");
    expect_refused("x:", "'x:' has no valid port, 0 to 65535");
    expect_refused("x:65536", "'x:65536' has no valid port, 0 to 65535");
    expect_refused("x:99999", "'x:99999' has no valid port, 0 to 65535");
    expect_refused("x:000080", "'x:000080' has no valid port, 0 to 65535");
    expect_refused("x:8x", "'x:8x' has no valid port, 0 to 65535");
    expect_refused("x:-1", "'x:-1' has no valid port, 0 to 65535");
    expect_refused("x:+1", "'x:+1' has no valid port, 0 to 65535");
    expect_refused("x: 1", "'x: 1' has no valid port, 0 to 65535");
}

Test(listen_address, no_host)
{
    expect_refused(":", "':' has no host");
    expect_refused(":80", "':80' has no host");
}

/* The port could begin at any colon. */
Test(listen_address, ipv6_needs_brackets)
{
    static const char *const all[] = {"::1:80", "[::1]80", "[::1:80", "::1]:80", "tcp:x:80"};
    char why[LISTEN_ADDRESS_ERROR_SIZE];

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        snprintf(why, sizeof why, "'%s' has several colons: an IPv6 address needs brackets",
                 all[i]);
        expect_refused(all[i], why);
    }
}

Test(listen_address, several_in_one)
{
    expect_refused("127.0.0.1:80 [::1]:80",
                   "'127.0.0.1:80 [::1]:80' has several addresses, which commas have to separate");
    expect_refused("x:1;x:2", "'x:1;x:2' has several addresses, which commas have to separate");
}

Test(listen_address, url)
{
    expect_refused("http://127.0.0.1:80", "'http://127.0.0.1:80' is a URL");
    expect_refused("https://x", "'https://x' is a URL");
}

Test(listen_address, relative_path)
{
    expect_refused("unix:", "'unix:' has no absolute path");
    expect_refused("unix:x", "'unix:x' has no absolute path");
    expect_refused("unix:x/y", "'unix:x/y' has no absolute path");
}

/* Of the kernel's 108 bytes the last is a NUL, as is the last of our 256. */
Test(listen_address, as_long_as_can_be)
{
    char text[300] = "unix:/";

    memset(text + 6, 'x', 106);
    cr_assert_eq(strlen(read_one(text).host), 107);
    text[112] = 'x';
    expect_refused(text, "'unix:/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx' is too "
                         "long: a unix socket's path has 107 bytes at most");
    memset(text, 'x', 256);
    for (size_t i = 63; i < 256; i += 64)
        text[i] = '.';
    strcpy(text + 255, ":1");
    cr_assert_eq(strlen(read_one(text).host), 255);
    strcpy(text + 255, "x:1");
    expect_refused(text, "'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx' has too "
                         "long a name");
}

/* Whoever waits for these to be resolved waits for ever. */
Test(listen_address, hosts_that_no_resolver_knows)
{
    const char *names[] = {"*:1", "a..b:1", ".a:1",          "a..:1",
                           ".:1", "a b:1",  "\xc3\xa9.fr:1", "a/b:1"};
    const char *numbers[] = {"256.0.0.1:1", "1.2.3:1", "127.1:1", "1:1", "10.0.0.1.5:1", "a.1:1"};
    const char *brackets[] = {"[x]:1", "[127.0.0.1]:1", "[::g]:1", "[1::2::3]:1", "[%eth0]:1"};
    char label[80], why[LISTEN_ADDRESS_ERROR_SIZE];

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(why, sizeof why, "'%s' has a host that is neither an address nor a host name",
                 names[i]);
        expect_refused(names[i], why);
    }
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        snprintf(why, sizeof why, "'%s' has a host that is not an IPv4 address", numbers[i]);
        expect_refused(numbers[i], why);
    }
    for (size_t i = 0; i < sizeof brackets / sizeof brackets[0]; i++) {
        snprintf(why, sizeof why, "'%s' has brackets around what is not an IPv6 address",
                 brackets[i]);
        expect_refused(brackets[i], why);
    }
    memset(label, 'x', 63);
    strcpy(label + 63, ":1");
    read_one(label);
    strcpy(label + 63, "x:1");
    snprintf(why, sizeof why, "'%.60s' has a host that is neither an address nor a host name",
             label);
    expect_refused(label, why);
}
