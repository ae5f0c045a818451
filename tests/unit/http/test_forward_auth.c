/* SPDX-License-Identifier: MIT */
#include "http/forward_auth.h"

#include <criterion/criterion.h>
#include <string.h>

static struct p0f_host unknown_host(void)
{
    return (struct p0f_host){.distance = -1};
}

static const char *value_of(const struct forward_auth *headers, const char *name)
{
    const char *found = NULL;

    for (size_t i = 0; i < headers->count; i++) {
        if (strcmp(headers->fields[i].name, name) != 0)
            continue;
        cr_assert_null(found, "%s is there twice", name);
        found = headers->fields[i].value;
    }
    return found;
}

static void expect(const struct p0f_host *host, const char *name, const char *value)
{
    struct forward_auth headers;
    const char *found;

    memset(&headers, '#', sizeof headers);
    forward_auth(FORWARD_OK, host, &headers);
    cr_assert_eq(headers.count, FORWARD_AUTH_FIELDS_MAX);
    found = value_of(&headers, name);
    cr_assert_not_null(found, "%s", name);
    cr_assert_str_eq(found, value, "%s: %s", name, found);
}

/* All fields but these two are empty. */
static void expect_empty(enum forward_status status, const struct p0f_host *host,
                         const char *status_text, const char *match_quality)
{
    struct forward_auth headers;

    memset(&headers, '#', sizeof headers);
    forward_auth(status, host, &headers);
    cr_assert_eq(headers.count, FORWARD_AUTH_FIELDS_MAX);
    cr_assert_str_eq(value_of(&headers, "X-P0F-Status"), status_text);
    cr_assert_str_eq(value_of(&headers, "X-P0F-Match-Quality"), match_quality);
    for (size_t i = 1; i + 1 < headers.count; i++)
        cr_assert_str_empty(headers.fields[i].value, "%s", headers.fields[i].name);
}

static void expect_language(const char *bytes, const char *value)
{
    struct p0f_host host = unknown_host();

    strcpy(host.language, bytes);
    expect(&host, "X-P0F-Language", value);
}

Test(forward_auth, everything_known)
{
    const char *expected[][2] = {
        {"X-P0F-Status", "ok"},
        {"X-P0F-OS", "Linux 3.11 and newer"},
        {"X-P0F-OS-Name", "Linux"},
        {"X-P0F-OS-Flavor", "3.11 and newer"},
        {"X-P0F-HTTP", "Firefox 10.x or newer"},
        {"X-P0F-Link", "Ethernet or modem"},
        {"X-P0F-Language", "English"},
        {"X-P0F-Distance", "11"},
        {"X-P0F-Uptime-Min", "4294967295"},
        {"X-P0F-NAT", "2023-11-14T22:13:20Z"},
        {"X-P0F-Bad-SW", "2"},
        {"X-P0F-Match-Quality", "3"},
    };
    const struct p0f_host host = {.os_name = "Linux",
                                  .os_flavor = "3.11 and newer",
                                  .http_name = "Firefox",
                                  .http_flavor = "10.x or newer",
                                  .link_type = "Ethernet or modem",
                                  .language = "English",
                                  .distance = 11,
                                  .uptime_min = UINT32_MAX,
                                  .last_nat = 1700000000,
                                  .bad_sw = 2,
                                  .os_match_q = 3};
    struct forward_auth headers;

    cr_assert_eq(sizeof expected / sizeof expected[0], FORWARD_AUTH_FIELDS_MAX);
    forward_auth(FORWARD_OK, &host, &headers);
    cr_assert_eq(headers.count, FORWARD_AUTH_FIELDS_MAX);
    for (size_t i = 0; i < FORWARD_AUTH_FIELDS_MAX; i++)
        expect(&host, expected[i][0], expected[i][1]);
}

Test(forward_auth, the_unknown_is_empty)
{
    const struct p0f_host host = unknown_host();

    expect_empty(FORWARD_OK, &host, "ok", "0");
}

/* p0f stores -1 in a byte without a sign. */
Test(forward_auth, an_unknown_distance_has_two_values)
{
    struct p0f_host host = unknown_host();

    for (int unknown = -1; unknown < 256; unknown += 256) {
        host.distance = (int16_t)unknown;
        expect(&host, "X-P0F-Distance", "");
    }
    host.distance = 254;
    expect(&host, "X-P0F-Distance", "254");
}

Test(forward_auth, zero_is_a_distance)
{
    struct p0f_host host = unknown_host();

    host.distance = 0;
    expect(&host, "X-P0F-Distance", "0");
}

Test(forward_auth, one_minute_is_an_uptime)
{
    struct p0f_host host = unknown_host();

    host.uptime_min = 1;
    expect(&host, "X-P0F-Uptime-Min", "1");
}

Test(forward_auth, without_a_host_all_but_the_status_is_empty)
{
    struct p0f_host host = {
        .os_name = "Linux", .bad_sw = 1, .distance = 3, .last_nat = 1, .uptime_min = 1};

    expect_empty(FORWARD_NO_MATCH, NULL, "no-match", "");
    expect_empty(FORWARD_ERROR, NULL, "error", "");
    expect_empty(FORWARD_ERROR, &host, "error", "");
}

Test(forward_auth, name_and_flavor)
{
    struct p0f_host host = unknown_host();

    strcpy(host.os_name, "Linux");
    expect(&host, "X-P0F-OS", "Linux");
    expect(&host, "X-P0F-OS-Name", "Linux");
    expect(&host, "X-P0F-OS-Flavor", "");
    strcpy(host.http_flavor, "10.x");
    expect(&host, "X-P0F-HTTP", "");
}

Test(forward_auth, printable_ascii_stays)
{
    expect_language("!\"#$&'()*+,-./0189:;<=>?@AZ", "!\"#$&'()*+,-./0189:;<=>?@AZ");
    expect_language("[\\]^_`az{|}~", "[\\]^_`az{|}~");
}

Test(forward_auth, what_could_break_a_field_is_encoded)
{
    expect_language("a\r\nX-Evil: 1", "a%0D%0AX-Evil: 1");
    expect_language("a\tb\x01\x1f\x7f", "a%09b%01%1F%7F");
    expect_language("100%", "100%25");
    expect_language("%41", "%2541");
}

Test(forward_auth, spaces_are_kept_where_http_keeps_them)
{
    expect_language("a b  c", "a b  c");
    expect_language("  a  ", "%20 a");
    expect_language(" ", "");
    expect_language("   ", "");
    struct p0f_host host = unknown_host();
    strcpy(host.os_name, "Linux ");
    expect(&host, "X-P0F-OS-Name", "Linux");
    expect(&host, "X-P0F-OS", "Linux");
    strcpy(host.os_flavor, " 3");
    expect(&host, "X-P0F-OS", "Linux   3");
}

Test(forward_auth, the_text_is_the_one_of_the_json)
{
    expect_language("Fran\xc3\xa7"
                    "ais",
                    "Fran%C3%A7ais");
    expect_language("Fran\xe7"
                    "ais",
                    "Fran%C3%A7ais");
    struct p0f_host host = unknown_host();
    strcpy(host.os_name, "\xe9");
    strcpy(host.os_flavor, "\xc3\xa9");
    expect(&host, "X-P0F-OS", "%C3%A9 %C3%A9");
}

Test(forward_auth, the_longest_texts_fit)
{
    struct p0f_host host = unknown_host();
    char encoded[FORWARD_VALUE_SIZE] = "";

    memset(host.os_name, 0xff, P0F_TEXT_SIZE - 1);
    memset(host.os_flavor, 0xff, P0F_TEXT_SIZE - 1);
    for (int i = 0; i < 64; i++)
        strcat(encoded, i == 32 ? " %C3%BF" : "%C3%BF");
    expect(&host, "X-P0F-OS", encoded);
}
