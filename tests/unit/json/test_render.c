/* SPDX-License-Identifier: MIT */
#include "render_fixture.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void expect_text(const struct p0f_host *host, enum render_format format,
                        const char *expected)
{
    size_t length;
    char *text = render_host(&addr, host, NULL, format, &length);

    cr_assert_str_eq(text, expected, "%s", text);
    cr_assert_eq(length, strlen(expected));
    free(text);
}

static json_t *parsed(const struct p0f_host *host, enum render_format format)
{
    size_t length;
    char *text = render_host(&addr, host, NULL, format, &length);
    json_t *json = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);

    cr_assert_not_null(json, "%s", text);
    free(text);
    return json;
}

#define TEXTS_AS(http, language)                                                                   \
    "\"os_name\":\"Linux\",\"os_flavor\":\"3.x\",\"http_name\":\"" http                            \
    "\",\"http_flavor\":\"2.x\",\"link_type\":\"DSL\",\"language\":\"" language "\""

Test(render, parsed_has_every_member_in_order)
{
    struct p0f_host host = full_host();

    expect_text(&host, RENDER_PARSED,
                "{\"ip\":\"192.0.2.1\",\"first_seen\":\"1970-01-01T00:00:01Z\","
                "\"last_seen\":\"2023-11-14T22:13:20Z\",\"total_conn\":3,\"uptime_min\":17500,"
                "\"uptime_sec\":1050000,\"uptime\":\"P12DT3H40M\",\"up_mod_days\":\"P198D\","
                "\"last_nat\":\"1970-01-02T00:00:00Z\",\"last_chg\":\"1970-01-01T00:01:00Z\","
                "\"distance\":5,\"bad_sw\":2,\"os_match_q\":3," TEXTS_AS("Fire\xc3\xa9",
                                                                         "Fr\xc3\xa9") "}\n");
}

Test(render, raw_has_every_field_in_wire_order)
{
    struct p0f_host host = full_host();

    expect_text(
        &host, RENDER_RAW,
        "{\"ip\":\"192.0.2.1\",\"magic\":1345340930,\"status\":16,\"first_seen\":1,"
        "\"last_seen\":1700000000,\"total_conn\":3,\"uptime_min\":17500,\"up_mod_days\":198,"
        "\"last_nat\":86400,\"last_chg\":60,\"distance\":5,\"bad_sw\":2,\"os_match_q\":3," TEXTS_AS(
            "Fire\xc3\xa9", "Fr\xc3\xa9") "}\n");
}

/* p0f sends 255; -1 is what its README says. */
static void expect_nulls(int16_t distance)
{
    struct p0f_host host = {.dialect = P0F_DIALECT_P0F3, .distance = distance};

    expect_text(
        &host, RENDER_PARSED,
        "{\"ip\":\"192.0.2.1\",\"first_seen\":null,\"last_seen\":null,\"total_conn\":0,"
        "\"uptime_min\":null,\"uptime_sec\":null,\"uptime\":null,\"up_mod_days\":null,"
        "\"last_nat\":null,\"last_chg\":null,\"distance\":null,\"bad_sw\":null,\"os_match_q\":0,"
        "\"os_name\":null,\"os_flavor\":null,\"http_name\":null,\"http_flavor\":null,"
        "\"link_type\":null,\"language\":null}\n");
}

Test(render, unknown_is_null_when_parsed)
{
    expect_nulls(255);
    expect_nulls(-1);
}

Test(render, unknown_is_verbatim_when_raw)
{
    struct p0f_host host = {.dialect = P0F_DIALECT_P0F3, .distance = 255, .bad_sw = 255};

    expect_text(
        &host, RENDER_RAW,
        "{\"ip\":\"192.0.2.1\",\"magic\":1345340930,\"status\":16,\"first_seen\":0,"
        "\"last_seen\":0,\"total_conn\":0,\"uptime_min\":0,\"up_mod_days\":0,\"last_nat\":0,"
        "\"last_chg\":0,\"distance\":255,\"bad_sw\":255,\"os_match_q\":0,\"os_name\":\"\","
        "\"os_flavor\":\"\",\"http_name\":\"\",\"http_flavor\":\"\",\"link_type\":\"\","
        "\"language\":\"\"}\n");
}

static void expect_member(const struct p0f_host *host, const char *name, const char *expected)
{
    json_t *json = parsed(host, RENDER_PARSED);

    cr_assert_str_eq(json_string_value(json_object_get(json, name)), expected);
    json_decref(json);
}

Test(render, durations_have_no_zero_parts)
{
    static const struct {
        uint32_t minutes;
        const char *text;
    } cases[] = {{1, "PT1M"},        {40, "PT40M"},         {60, "PT1H"},
                 {1439, "PT23H59M"}, {1440, "P1D"},         {1441, "P1DT1M"},
                 {1560, "P1DT2H"},   {17500, "P12DT3H40M"}, {UINT32_MAX, "P2982616DT4H15M"}};

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect_member(&(struct p0f_host){.uptime_min = cases[i].minutes}, "uptime", cases[i].text);
    expect_member(&(struct p0f_host){.up_mod_days = 1}, "up_mod_days", "P1D");
    expect_member(&(struct p0f_host){.up_mod_days = UINT32_MAX}, "up_mod_days", "P4294967295D");
}

Test(render, largest_numbers_do_not_overflow)
{
    struct p0f_host host = {
        .uptime_min = UINT32_MAX, .first_seen = UINT32_MAX, .total_conn = UINT32_MAX};
    json_t *json = parsed(&host, RENDER_PARSED);

    cr_assert_eq(json_integer_value(json_object_get(json, "uptime_sec")), INT64_C(257698037700));
    cr_assert_eq(json_integer_value(json_object_get(json, "total_conn")), UINT32_MAX);
    json_decref(json);
    expect_member(&host, "first_seen", "2106-02-07T06:28:15Z");
}

static char *text_field(struct p0f_host *host, int which)
{
    char *fields[] = {host->os_name,     host->os_flavor, host->http_name,
                      host->http_flavor, host->link_type, host->language};
    return fields[which];
}

static const char *const text_names[] = {"os_name",     "os_flavor", "http_name",
                                         "http_flavor", "link_type", "language"};

static void expect_latin1(int which, unsigned byte)
{
    struct p0f_host host = {.dialect = P0F_DIALECT_P0F3};
    char expected[2 * P0F_TEXT_SIZE] = "";
    char one[3] = {(char)byte};

    if (byte >= 0x80) {
        one[0] = (char)(byte < 0xc0 ? 0xc2 : 0xc3);
        one[1] = (char)(0x80 + byte % 64);
    }
    memset(text_field(&host, which), (int)byte, P0F_TEXT_SIZE - 1);
    for (int i = 0; i < P0F_TEXT_SIZE - 1; i++)
        strcat(expected, one);
    for (int format = 0; format < RENDER_FORMATS; format++) {
        json_t *json = parsed(&host, (enum render_format)format);
        cr_assert_str_eq(json_string_value(json_object_get(json, text_names[which])), expected);
        json_decref(json);
    }
}

Test(render, any_byte_in_any_text_becomes_utf8)
{
    for (int which = 0; which < 6; which++)
        for (unsigned byte = 1; byte < 256; byte++)
            expect_latin1(which, byte);
}

Test(render, utf8_is_kept_and_broken_utf8_is_latin1)
{
    expect_member(&(struct p0f_host){.os_name = "\xe2\x82\xac\xf0\x9f\x98\x80"}, "os_name",
                  "\xe2\x82\xac\xf0\x9f\x98\x80");
    expect_member(&(struct p0f_host){.os_name = "\xe2\x82"}, "os_name", "\xc3\xa2\xc2\x82");
    expect_member(&(struct p0f_host){.os_name = "\xc0\xaf"}, "os_name", "\xc3\x80\xc2\xaf");
    expect_member(&(struct p0f_host){.os_name = "\xed\xa0\x80"}, "os_name",
                  "\xc3\xad\xc2\xa0\xc2\x80");
}

static void expect_end_as(const struct p0f_host *host, enum render_format format, const char *end)
{
    size_t length;
    char *text = render_host(&addr, host, NULL, format, &length);

    cr_assert_geq(length, strlen(end));
    cr_assert_str_eq(text + length - strlen(end), end, "%s", text);
    free(text);
}

static void expect_end(const struct p0f_host *host, const char *end)
{
    expect_end_as(host, RENDER_PARSED, end);
    expect_end_as(host, RENDER_RAW, end);
}

static char *render_as_seen_by(const struct p0f_host *host, const char *sensor,
                               enum render_format format, size_t *length)
{
    char *text = render_host(&addr, host, sensor, format, length);

    cr_assert_not_null(text);
    cr_assert_eq(*length, strlen(text));
    return text;
}

Test(render, the_sensor_comes_last)
{
    const struct p0f_host host = {.dialect = P0F_DIALECT_MTU, .link_mtu = 1492};
    const char *end = ",\"link_mtu\":1492,\"sensor\":\"web-1/wan\"}\n";
    size_t length;

    for (enum render_format format = 0; format < RENDER_FORMATS; format++) {
        char *text = render_as_seen_by(&host, "web-1/wan", format, &length);
        cr_assert_str_eq(text + length - strlen(end), end, "%s", text);
        free(text);
        text = render_as_seen_by(&host, "", format, &length);
        cr_assert_null(strstr(text, "sensor"), "%s", text);
        free(text);
    }
}

/* There is room for the longest of all. */
Test(render, nothing_is_too_long)
{
    struct p0f_host host = {.dialect = P0F_DIALECT_API2,
                            .version = UINT8_MAX,
                            .last_mtu = UINT16_MAX,
                            .last_freq = -2.2250738585072014e-308,
                            .first_seen = UINT32_MAX,
                            .last_seen = UINT32_MAX,
                            .total_conn = UINT32_MAX,
                            .uptime_min = UINT32_MAX,
                            .up_mod_days = UINT32_MAX,
                            .last_nat = UINT32_MAX,
                            .last_chg = UINT32_MAX,
                            .distance = INT16_MIN,
                            .bad_sw = UINT8_MAX,
                            .os_match_q = UINT8_MAX};
    struct p0f_addr longest = {.type = 6};
    char *const texts[] = {host.os_name,     host.os_flavor, host.http_name,
                           host.http_flavor, host.link_type, host.language};
    char sensor[128];
    size_t length;

    for (unsigned i = 0; i < sizeof texts / sizeof texts[0]; i++)
        memset(texts[i], 1, P0F_TEXT_SIZE - 1);
    memset(longest.bytes, 0xff, sizeof longest.bytes);
    memset(sensor, 'x', sizeof sensor - 1);
    sensor[sizeof sensor - 1] = '\0';
    for (enum render_format format = 0; format < RENDER_FORMATS; format++) {
        char *text = render_host(&longest, &host, sensor, format, &length);
        cr_assert_not_null(text);
        cr_assert_gt(length, 6 * 6 * 32 + strlen(sensor));
        free(text);
    }
}

Test(render, control_characters_are_escaped)
{
    expect_end(&(struct p0f_host){.language = "\x01\n\"\\\x1f\x7f"},
               "\"language\":\"\\u0001\\n\\\"\\\\\\u001F\x7f\"}\n");
}

Test(render, dialect_fields_come_last)
{
    struct p0f_host host = {.version = 2,
                            .last_mtu = 1500,
                            .last_freq = 0.5,
                            .link_mtu = 1492,
                            .mtu = 65535,
                            .mss = 1460,
                            .language = "x"};

    host.dialect = P0F_DIALECT_P0F3;
    expect_end(&host, "\"language\":\"x\"}\n");
    host.dialect = P0F_DIALECT_MTU;
    expect_end(&host, "\"language\":\"x\",\"link_mtu\":1492}\n");
    host.dialect = P0F_DIALECT_MSS;
    expect_end(&host, "\"language\":\"x\",\"mtu\":65535,\"mss\":1460}\n");
    host.dialect = P0F_DIALECT_API2;
    expect_end(&host, "\"language\":\"x\",\"version\":2,\"last_mtu\":1500,\"last_freq\":0.5}\n");
    host.last_freq = NAN;
    expect_end(&host, "\"last_mtu\":1500,\"last_freq\":null}\n");
    host.last_freq = -INFINITY;
    expect_end(&host, "\"last_mtu\":1500,\"last_freq\":null}\n");
}

static void expect_extras(enum p0f_dialect dialect, const char *parsed_end, const char *raw_end)
{
    struct p0f_host host = {.dialect = dialect, .language = "x"};

    expect_end_as(&host, RENDER_PARSED, parsed_end);
    expect_end_as(&host, RENDER_RAW, raw_end);
}

Test(render, dialect_fields_of_0_are_null_when_parsed)
{
    expect_extras(P0F_DIALECT_MTU, "\"x\",\"link_mtu\":null}\n", "\"x\",\"link_mtu\":0}\n");
    expect_extras(P0F_DIALECT_MSS, "\"x\",\"mtu\":null,\"mss\":null}\n",
                  "\"x\",\"mtu\":0,\"mss\":0}\n");
    expect_extras(P0F_DIALECT_API2, "\"x\",\"version\":0,\"last_mtu\":null,\"last_freq\":null}\n",
                  "\"x\",\"version\":0,\"last_mtu\":0,\"last_freq\":0.0}\n");
}

Test(render, days_around_leap_days)
{
    static const struct {
        uint32_t at;
        const char *text;
    } cases[] = {{951609600, "2000-02-27T00:00:00Z"},  {951696000, "2000-02-28T00:00:00Z"},
                 {951782400, "2000-02-29T00:00:00Z"},  {951868800, "2000-03-01T00:00:00Z"},
                 {1077926400, "2004-02-28T00:00:00Z"}, {1078012800, "2004-02-29T00:00:00Z"},
                 {1078099200, "2004-03-01T00:00:00Z"}, {1672531199, "2022-12-31T23:59:59Z"},
                 {1672531200, "2023-01-01T00:00:00Z"}, {1677628799, "2023-02-28T23:59:59Z"},
                 {1677628800, "2023-03-01T00:00:00Z"}, {4107542400, "2100-03-01T00:00:00Z"},
                 {4107542399, "2100-02-28T23:59:59Z"}};

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect_member(&(struct p0f_host){.first_seen = cases[i].at}, "first_seen", cases[i].text);
}
