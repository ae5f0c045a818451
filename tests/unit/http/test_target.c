/* SPDX-License-Identifier: MIT */
#include "http/target.h"

#include "http/routes.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define ROOM 8192
#define GUARD 4096

#define HOST "/host/{ip}"
#define EMPTY "the address is empty"
#define TOO_LONG "the text is too long for an address"
#define BROKEN "a % without two hexadecimal digits after it"
#define NUL "a NUL byte is not part of an address"
#define NETWORK "a network is not an address; did you mean 10.0.0.0?"
#define BRACKETS "the brackets do not match; did you mean ::1?"
#define NAME "a host name is not an address; only IP addresses can be looked up"
#define GENERIC "not an IPv4 or IPv6 address"
#define NONE "" /* the last route, of all other paths */

/* The text ends where memory does: who reads beyond it is found out. */
static struct target parse_bytes(const char *text, size_t length)
{
    struct target target;
    char *memory =
        mmap(NULL, ROOM + GUARD, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    cr_assert(memory != MAP_FAILED);
    cr_assert_eq(mprotect(memory + ROOM, GUARD, PROT_NONE), 0);
    memcpy(memory + ROOM - length, text, length);
    memset(&target, 0xa5, sizeof target);
    target_parse(memory + ROOM - length, length, &routes, &target);
    munmap(memory, ROOM + GUARD);
    return target;
}

static struct target parse(const char *text)
{
    return parse_bytes(text, strlen(text));
}

static void expect_route(const char *text, const char *path)
{
    struct target target = parse(text);

    cr_assert_str_eq(target.route->path, path, "%s: %s", text, target.route->path);
    cr_assert_eq(target.error, TARGET_OK, "%s: error %d", text, (int)target.error);
    cr_assert_eq(target_addr(&target) != NULL, strcmp(path, HOST) == 0, "%s", text);
}

static void expect_address(const char *text, const char *canonical)
{
    struct target target = parse(text);
    char found[P0F_ADDR_TEXT_SIZE];

    cr_assert_str_eq(target.route->path, HOST, "%s", text);
    cr_assert_eq(target.error, TARGET_OK, "%s: error %d", text, (int)target.error);
    cr_assert_not_null(target_addr(&target), "%s", text);
    p0f_addr_format(target_addr(&target), found);
    cr_assert_str_eq(found, canonical, "%s: %s", text, found);
}

static void expect_bad_address(const char *text, const char *detail)
{
    struct target target = parse(text);

    cr_assert_str_eq(target.route->path, HOST, "%s", text);
    cr_assert_eq(target.error, TARGET_BAD_ADDRESS, "%s", text);
    cr_assert_str_eq(target.detail, detail, "%s: %s", text, target.detail);
    cr_assert_null(target_addr(&target), "%s", text);
}

static void expect_bad_parameter(const char *query, const char *detail)
{
    char text[300] = "/host/192.0.2.1?";
    struct target target = parse(strcat(text, query));

    cr_assert_eq(target.error, TARGET_BAD_PARAMETER, "%s", query);
    cr_assert_str_eq(target.detail, detail, "%s: %s", query, target.detail);
    cr_assert_not_null(target_addr(&target), "%s", query);
}

static struct target parse_good(const char *query)
{
    char text[300] = "/host/192.0.2.1?";
    struct target target = parse(strcat(text, query));

    cr_assert_eq(target.error, TARGET_OK, "%s: %s", query, target.detail);
    cr_assert_str_empty(target.detail);
    return target;
}

Test(target, routes)
{
    expect_route("/", "/");
    expect_route("/hosts", "/hosts");
    expect_route("/self", "/self");
    expect_route("/forward-auth", "/forward-auth");
    expect_route("/forward-auth/x%zz?%", "/forward-auth");
    expect_route("/livez", "/livez");
    expect_route("/readyz", "/readyz");
    expect_route("/metrics", "/metrics");
    expect_route("/status", "/status");
    expect_route("/openapi.json", "/openapi.json");
    expect_route("/host/192.0.2.1", HOST);
    expect_route("*", "*");
}

Test(target, no_such_path)
{
    const char *texts[] = {
        "/host",    "/hostss",          "/hosts/",         "/host%2F192.0.2.1", "/selfish",
        "/self/",   "/forward-authx",   "/forward_auth",   "/livez/",           "/LIVEZ",
        "//",       "/%6civez%2f",      "/Host/192.0.2.1", "/nothing?wait=x",   "/%6civez%",
        "/./livez", "/status/../livez", "/livez/.",        "/%2e/livez",        "/%25%36civez"};

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        expect_route(texts[i], NONE);
}

/* RFC 3986, 6.2.2.2. */
Test(target, needless_percent_encoding)
{
    expect_route("/%6Civez", "/livez");
    expect_route("/%6civez?x", "/livez");
    expect_route("/openapi%2ejson", "/openapi.json");
    expect_route("/forward%2Dauth", "/forward-auth");
    expect_route("http://any.host/%6c%69%76%65%7a", "/livez");
    expect_address("/%68ost/192.0.2.1", "192.0.2.1");
    expect_address("/hos%74/%31%39%32.0%2E2.1", "192.0.2.1");
    expect_address("/%68ost/2001%3Adb8::1", "2001:db8::1");
    expect_bad_address("/%68ost/%25%31.0.0.1", GENERIC); /* is not decoded twice */
    expect_bad_address("/host/%2531.0.0.1",
                       "percent-encoding is not part of an address; did you mean 1.0.0.1?");
    expect_bad_address("/host/%%33%31.0.0.1", BROKEN);
}

static void expect_suggestion(const char *text, const char *meant)
{
    struct target target = parse(text);
    char detail[128] = "";

    if (meant)
        snprintf(detail, sizeof detail, "no such resource; did you mean %s?", meant);
    cr_assert_str_eq(target.route->path, NONE, "%s", text);
    cr_assert_str_eq(target.detail, detail, "%s: %s", text, target.detail);
}

Test(target, what_was_meant)
{
    char text[300] = "/";

    expect_suggestion("/livez/", "/livez");
    expect_suggestion("/LiveZ", "/livez");
    expect_suggestion("//self//?x", "/self");
    expect_suggestion("//", "/");
    expect_suggestion("/host", HOST);
    expect_suggestion("/host?ip=192.0.2.1", HOST);
    expect_suggestion("//host/192.0.2.1", HOST);
    expect_suggestion("/Host/192.0.2.1", HOST);
    expect_suggestion("/hosts/", "/hosts");
    expect_suggestion("/hosts/192.0.2.1", "/host/192.0.2.1");
    expect_suggestion("/192.0.2.1", "/host/192.0.2.1");
    expect_suggestion("/api/v1/2001:DB8::1/", "/host/2001:db8::1");
    expect_suggestion("/hosts/example.org", NULL);
    expect_suggestion("/nothing", NULL);
    expect_suggestion("/livez/x", NULL);
    expect_suggestion("/livez%2F", NULL);
    memset(text + 1, 'x', 250);
    expect_suggestion(text, NULL);
    memset(text + 1, 'x', 127);
    text[128] = '\0';
    expect_suggestion(text, NULL);
}

Test(target, routes_with_parameters)
{
    const char *paths[] = {"/hosts", "/self"};

    for (size_t i = 0; i < 2; i++) {
        char text[64];
        snprintf(text, sizeof text, "%s?format=raw&wait=7", paths[i]);
        struct target target = parse(text);
        cr_assert_eq(target.error, TARGET_OK);
        cr_assert_eq(target.format, RENDER_RAW);
        cr_assert_eq(target.wait_ms, 7);
        cr_assert_null(target_addr(&target));
        snprintf(text, sizeof text, "%s?format=x", paths[i]);
        target = parse(text);
        cr_assert_eq(target.error, TARGET_BAD_PARAMETER);
        cr_assert_str_eq(target.detail, "format=x: expected parsed or raw");
    }
}

Test(target, routes_that_ignore_parameters)
{
    expect_route("/forward-auth?format=x&wait=y", "/forward-auth");
    expect_route("/livez?format=x&wait=y", "/livez");
    expect_route("/?format=x", "/");
    expect_route("/?format=x", "/");
}

Test(target, addresses)
{
    expect_address("/host/192.0.2.1", "192.0.2.1");
    expect_address("/host/2001:DB8:0::1", "2001:db8::1");
    expect_address("/host/::ffff:192.0.2.1", "192.0.2.1");
    expect_address("/host/[2001:db8::1]", "2001:db8::1");
    expect_address("/host/2001%3adb8%3A%3A1", "2001:db8::1");
    expect_address("/host/%5B::1%5D", "::1");
    expect_address("/host/%31%30.0.0.%31", "10.0.0.1");
}

Test(target, refused_addresses)
{
    expect_bad_address("/host/", EMPTY);
    expect_bad_address("/host/?wait=1", EMPTY);
    expect_bad_address("/host/[]", GENERIC);
    expect_bad_address("/host/fe80::1%25eth0",
                       "a zone is not part of an address; did you mean fe80::1?");
    expect_bad_address("/host/10.0.0.0/8", NETWORK);
    expect_bad_address("/host/10.0.0.0%2F8", NETWORK);
    expect_bad_address("/host/010.0.0.1",
                       "an IPv4 part has a leading zero, which makes it octal to some programs");
    expect_bad_address("/host/[::1", BRACKETS);
    expect_bad_address("/host/::1]", BRACKETS);
    expect_bad_address("/host/[[::1]]", BRACKETS);
    expect_bad_address("/host/example.org", NAME);
    expect_bad_address("/host/10.0.0", "an IPv4 address has four parts, this has fewer");
    expect_bad_address("/host/10.0.0.1 ", "leading or trailing whitespace; did you mean 10.0.0.1?");
}

Test(target, too_long_addresses)
{
    char text[400] = "/host/";

    memset(text + strlen(text), '1', 100); /* decodes */
    expect_bad_address(text, "an IPv4 address has four parts, this has fewer");
    memset(text + strlen(text), '1', 100); /* nor is it even decoded */
    expect_bad_address(text, TOO_LONG);
}

Test(target, broken_percent_encoding)
{
    expect_bad_address("/host/10.0.0.1%00", NUL);
    expect_bad_address("/host/10.0%00.0.1", NUL);
    expect_bad_address("/host/10.0.0.1%zz", BROKEN);
    expect_bad_address("/host/10.0.0.1%3", BROKEN);
    expect_bad_address("/host/10.0.0.1%", BROKEN);
    expect_bad_address("/host/10.0.0.%3?1", BROKEN);
    expect_bad_address("/host/10.0.0.1%eth0", BROKEN); /* IPv4 has no zones */
    expect_bad_address("/host/fe80::1%", BROKEN);
}

Test(target, a_zone_that_is_not_encoded)
{
    const char *said = "a zone is not part of an address; did you mean fe80::1?";

    expect_bad_address("/host/fe80::1%25eth0", said);
    expect_bad_address("/host/fe80::1%eth0", said);
    expect_bad_address("/host/fe80::1%wlan0?wait=0", said);
}

Test(target, absolute_form)
{
    expect_route("http://any.host", "/");
    expect_route("http://any.host/", "/");
    expect_route("http://[::1]:5030/livez", "/livez");
    expect_route("http://any.host/other", NONE);
    expect_address("HTTPS://any.host:5030/host/192.0.2.1", "192.0.2.1");
    expect_bad_address("/host/http://192.0.2.1",
                       "a URL is not an address; did you mean 192.0.2.1?");
}

static void expect_authority(const char *text, const char *authority)
{
    struct target target;

    memset(&target, 0xa5, sizeof target);
    target_parse(text, strlen(text), &routes, &target);
    cr_assert(span_equals(target.authority, authority), "%s: %.*s", text,
              (int)target.authority.length, target.authority.at);
}

Test(target, authority)
{
    expect_authority("http://any.host:80/livez", "any.host:80");
    expect_authority("https://[::1]?x", "[::1]");
    expect_authority("HTTP://any.host", "any.host");
    expect_authority("/livez", "");
    expect_authority("*", "");
}

Test(target, none_of_the_forms)
{
    const char *texts[] = {"",
                           "**",
                           "*?",
                           "livez",
                           "host/192.0.2.1",
                           "?format=raw",
                           " /livez",
                           "://",
                           "://any.host/livez",
                           "http:///livez",
                           "http://",
                           "http:/any.host/livez",
                           "http://any host/livez",
                           "http://a,b/livez",
                           "http://user@any.host/livez",
                           "http://any%2ehost/livez",
                           "http://any.host\\/livez",
                           "ftp://any.host/livez",
                           "xhttp://any.host/livez",
                           "x/http://any.host/livez",
                           "any.host:443",
                           "any.host"};

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct target target = parse(texts[i]);
        cr_assert_eq(target.error, TARGET_MALFORMED, "%s", texts[i]);
        cr_assert_str_eq(target.route->path, NONE, "%s", texts[i]);
    }
}

Test(target, parameters)
{
    struct target target = parse("/host/192.0.2.1");

    cr_assert_eq(target.format, RENDER_PARSED);
    cr_assert_eq(target.wait_ms, LOOKUP_WAIT_UNSET);
    target = parse_good("format=raw&wait=250");
    cr_assert_eq(target.format, RENDER_RAW);
    cr_assert_eq(target.wait_ms, 250);
    cr_assert_eq(parse_good("%66ormat=raw").format, RENDER_RAW);
    cr_assert_eq(parse_good("format=parsed").format, RENDER_PARSED);
}

Test(target, unknown_parameters_are_ignored)
{
    const char *queries[] = {"",      "&",       "&&&",        "=",        "x",
                             "x=%zz", "%zz=raw", "%=1",        "Format=x", "WAIT=x",
                             "wai=x", "waitt=x", "format%00=x"};

    for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++) {
        struct target target = parse_good(queries[i]);
        cr_assert_eq(target.format, RENDER_PARSED, "%s", queries[i]);
        cr_assert_eq(target.wait_ms, LOOKUP_WAIT_UNSET, "%s", queries[i]);
    }
}

Test(target, last_duplicate_counts)
{
    cr_assert_eq(parse_good("wait=1&wait=2").wait_ms, 2);
    cr_assert_eq(parse_good("format=raw&format=parsed").format, RENDER_PARSED);
    expect_bad_parameter("format=raw&format=x", "format=x: expected parsed or raw");
    expect_bad_parameter("format=x&format=raw", "format=x: expected parsed or raw");
}

Test(target, bad_values_are_named)
{
    expect_bad_parameter("format=xml", "format=xml: expected parsed or raw");
    expect_bad_parameter("format=", "format=: expected parsed or raw");
    expect_bad_parameter("format", "format=: expected parsed or raw");
    expect_bad_parameter("format=RAW", "format=RAW: expected parsed or raw");
    expect_bad_parameter("format=raw%00", "format=raw%00: expected parsed or raw");
    expect_bad_parameter("format=%zz", "format=%zz: expected parsed or raw");
    expect_bad_parameter("format=a\x01\xff z", "format=a???z: expected parsed or raw");
    expect_bad_parameter("format=0123456789012345678901234567890123456789beyond",
                         "format=0123456789012345678901234567890123456789: expected parsed or raw");
}

Test(target, first_error_is_the_one_named)
{
    expect_bad_address("/host/nowhere?format=x", NAME);
    expect_bad_parameter("format=x&wait=y", "format=x: expected parsed or raw");
}

Test(target, wait_bounds)
{
    cr_assert_eq(parse_good("wait=0").wait_ms, 0);
    cr_assert_eq(parse_good("wait=5000").wait_ms, 5000);
    cr_assert_eq(parse_good("wait=%35").wait_ms, 5);
    expect_bad_parameter("wait=5001", "wait=5001: expected 0 to 5000 (milliseconds)");
    cr_assert_eq(parse_good("wait=000000005").wait_ms, 5);
    expect_bad_parameter("wait=0000000005", "wait=0000000005: expected 0 to 5000 (milliseconds)");
    expect_bad_parameter("wait=", "wait=: expected 0 to 5000 (milliseconds)");
    expect_bad_parameter("wait=-1", "wait=-1: expected 0 to 5000 (milliseconds)");
    expect_bad_parameter("wait=1.5", "wait=1.5: expected 0 to 5000 (milliseconds)");
}

Test(target, stale_is_ok_or_nothing)
{
    cr_assert(parse("/readyz?stale=ok").stale_ok);
    cr_assert_not(parse("/readyz").stale_ok);
    cr_assert_not(parse("/host/192.0.2.1?stale=ok").stale_ok);
    cr_assert_eq(parse("/host/192.0.2.1?stale=x").error, TARGET_OK);
    cr_assert_eq(parse("/readyz?stale=yes").error, TARGET_BAD_PARAMETER);
    cr_assert_str_eq(parse("/readyz?stale=yes").detail, "stale=yes: expected ok");
    cr_assert_str_eq(parse("/readyz?stale").detail, "stale=: expected ok");
}

Test(target, raw_nul_is_no_end)
{
    cr_assert_str_eq(parse_bytes("/host/10.0.0.1\0x", 16).detail, NUL);
}

Test(target, length_limit)
{
    char text[TARGET_MAX + 1];

    memset(text, 'x', sizeof text);
    memcpy(text, "/host/192.0.2.1?", 16);
    cr_assert_eq(parse_bytes(text, TARGET_MAX).error, TARGET_OK);
    struct target target = parse_bytes(text, TARGET_MAX + 1);
    cr_assert_eq(target.error, TARGET_TOO_LONG);
    cr_assert_str_eq(target.route->path, NONE);
    cr_assert_null(target_addr(&target));
    memcpy(text, "/forward-auth/", 14); /* a visitor's, who is not refused */
    target = parse_bytes(text, TARGET_MAX + 1);
    cr_assert_eq(target.error, TARGET_OK);
    cr_assert_str_eq(target.route->path, "/forward-auth");
}

Test(target, hex_digits_of_either_case)
{
    cr_assert_eq(parse_good("f%6frmat=raw").format, RENDER_RAW);
    cr_assert_eq(parse_good("f%6Frmat=raw").format, RENDER_RAW);
    expect_address("/host/2001%3adb8%3a%3a%31", "2001:db8::1");
    expect_address("/host/2001%3Adb8%3A%3A%39", "2001:db8::9");
    expect_bad_address("/host/2001:db8::%3g", BROKEN);
    expect_bad_address("/host/2001:db8::%3G", BROKEN);
    expect_bad_address("/host/2001:db8::%3:", BROKEN);
    expect_bad_address("/host/2001:db8::%3/", BROKEN);
    expect_bad_address("/host/2001:db8::%3`", BROKEN);
    expect_bad_address("/host/2001:db8::%3@", BROKEN);
}
