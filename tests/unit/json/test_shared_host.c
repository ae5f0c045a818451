/* SPDX-License-Identifier: MIT */
#include "core/utf8.h"
#include "json/render.h"
#include "json/shared_host.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SENSOR "web1/wan"
#define OBSERVED_AT 1700000100

static const struct p0f_addr addr = {4, {192, 0, 2, 1}};
static const struct p0f_addr addr6 = {6, {0x20, 0x01, 0x0d, 0xb8, [15] = 1}};

static struct p0f_host host_of(enum p0f_dialect dialect)
{
    struct p0f_host host;

    memset(&host, 0, sizeof host); /* the padding, too */
    host.dialect = dialect;
    host.first_seen = 1;
    host.last_seen = 1700000000;
    host.total_conn = 3;
    host.uptime_min = 17500;
    host.up_mod_days = 198;
    host.last_nat = 86400;
    host.last_chg = 60;
    host.distance = 5;
    host.bad_sw = 2;
    host.os_match_q = 3;
    strcpy(host.os_name, "Linux");
    strcpy(host.os_flavor, "3.x");
    strcpy(host.http_name, "Firefox");
    strcpy(host.http_flavor, "2.x");
    strcpy(host.link_type, "DSL");
    strcpy(host.language, "French");
    if (dialect == P0F_DIALECT_MTU)
        host.link_mtu = 1492;
    if (dialect == P0F_DIALECT_MSS)
        host.mtu = 1500, host.mss = 1460;
    if (dialect == P0F_DIALECT_API2)
        host.version = 2, host.last_mtu = 1500, host.last_freq = 0.1;
    return host;
}

#define STOCK "{" STOCK_MEMBERS
#define STOCK_MEMBERS                                                                              \
    "\"ip\":\"192.0.2.1\",\"magic\":1345340930,\"status\":16,\"first_seen\":1,"                    \
    "\"last_seen\":1700000000,\"total_conn\":3,\"uptime_min\":17500,\"up_mod_days\":198,"          \
    "\"last_nat\":86400,\"last_chg\":60,\"distance\":5,\"bad_sw\":2,\"os_match_q\":3,"             \
    "\"os_name\":\"Linux\",\"os_flavor\":\"3.x\",\"http_name\":\"Firefox\","                       \
    "\"http_flavor\":\"2.x\",\"link_type\":\"DSL\",\"language\":\"French\""
#define END ",\"sensor\":\"" SENSOR "\",\"observed_at\":1700000100}"

static void expect_written(enum p0f_dialect dialect, const char *expected)
{
    struct p0f_host host = host_of(dialect);
    char value[SHARED_HOST_MAX];
    size_t length = shared_host_write(&addr, &host, SENSOR, OBSERVED_AT, value);

    cr_assert_eq(length, strlen(expected), "%.*s", (int)length, value);
    cr_assert_arr_eq(value, expected, length, "%.*s", (int)length, value);
}

Test(shared_host, is_the_raw_host_with_who_saw_it_and_when)
{
    expect_written(P0F_DIALECT_P0F3, STOCK END);
    expect_written(P0F_DIALECT_SIG, STOCK END);
    expect_written(P0F_DIALECT_MTU, STOCK ",\"link_mtu\":1492" END);
    expect_written(P0F_DIALECT_MSS, STOCK ",\"mtu\":1500,\"mss\":1460" END);
    expect_written(P0F_DIALECT_API2,
                   STOCK ",\"version\":2,\"last_mtu\":1500,\"last_freq\":0.10000000000000001" END);
}

static void expect_read(const char *json, const struct p0f_host *host)
{
    struct shared_host shared;

    cr_assert(shared_host_read(json, strlen(json), &addr, &shared), "%s", json);
    cr_assert_eq(memcmp(&shared.host, host, sizeof *host), 0, "%s", json);
    cr_assert_str_eq(shared.sensor, SENSOR);
    cr_assert_eq(shared.observed_at, OBSERVED_AT);
}

Test(shared_host, every_field_is_read)
{
    for (enum p0f_dialect d = P0F_DIALECT_P0F3; d <= P0F_DIALECT_API2; d++) {
        struct p0f_host host = host_of(d);
        char value[SHARED_HOST_MAX + 1];
        value[shared_host_write(&addr, &host, SENSOR, OBSERVED_AT, value)] = '\0';
        expect_read(value, &host);
    }
}

static json_t *json_of(const struct p0f_host *host)
{
    char value[SHARED_HOST_MAX];
    size_t length = shared_host_write(&addr, host, SENSOR, OBSERVED_AT, value);
    json_t *json = json_loadb(value, length, JSON_REJECT_DUPLICATES, NULL);

    cr_assert_not_null(json, "%.*s", (int)length, value);
    return json;
}

Test(shared_host, is_read_whatever_wrote_it)
{
    const struct p0f_host host = host_of(P0F_DIALECT_P0F3);
    const size_t flags[] = {JSON_COMPACT, JSON_INDENT(1), JSON_SORT_KEYS, JSON_ESCAPE_SLASH};
    json_t *json = json_of(&host);

    json_object_set_new(json, "later", json_pack("{s:[i,f,n,b,{}]}", "x", 1, .5, 1));
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        char *text = json_dumps(json, flags[i]);
        expect_read(text, &host);
        free(text);
    }
    json_decref(json);
    expect_read(" " STOCK END "\r\n", &host);
    expect_read("{\"\":[],\"Ip\":{},\"last_see\":1,\"last_seen_\":1," STOCK_MEMBERS END, &host);
}

static bool is_read(const char *value, size_t length)
{
    struct shared_host shared;

    return shared_host_read(value, length, &addr, &shared);
}

static bool is_taken(const json_t *json)
{
    char *text = json_dumps(json, 0);
    bool taken = is_read(text, strlen(text));

    free(text);
    return taken;
}

/* Replaces a member, for this once; NULL removes it. */
static bool is_taken_with(json_t *json, const char *name, json_t *value)
{
    json_t *kept = json_incref(json_object_get(json, name));

    cr_assert_not_null(kept, "%s", name);
    if (value)
        json_object_set_new(json, name, value);
    else
        json_object_del(json, name);
    bool taken = is_taken(json);
    json_object_set_new(json, name, kept);
    cr_assert(is_taken(json), "%s", name);
    return taken;
}

/* What fits none of the members, but for null as the frequency. */
static void expect_types(json_t *json, const char *name)
{
    bool text = json_is_string(json_object_get(json, name));
    bool real = json_is_real(json_object_get(json, name));

    cr_assert_eq(is_taken_with(json, name, json_null()), real, "%s", name);
    cr_assert_not(is_taken_with(json, name, json_true()), "%s", name);
    cr_assert_not(is_taken_with(json, name, json_array()), "%s", name);
    cr_assert_not(is_taken_with(json, name, json_object()), "%s", name);
    cr_assert_not(is_taken_with(json, name, text ? json_integer(1) : json_string("1")), "%s", name);
    bool fraction = real || strcmp(name, "observed_at") == 0;
    cr_assert_eq(is_taken_with(json, name, json_real(1.5)), fraction, "%s", name);
    cr_assert_eq(is_taken_with(json, name, json_real(1)), fraction, "%s", name);
}

/* Whether a host of this dialect is one of stock p0f without the field. */
static bool is_only_extra(const char *name)
{
    return strcmp(name, "link_mtu") == 0;
}

static void expect_members(enum p0f_dialect dialect, size_t count)
{
    const struct p0f_host host = host_of(dialect);
    json_t *json = json_of(&host), *copy = json_deep_copy(json), *value;
    const char *name;

    cr_assert_eq(json_object_size(json), count);
    json_object_foreach(copy, name, value)
    {
        cr_assert_eq(is_taken_with(json, name, NULL), is_only_extra(name), "%s", name);
        expect_types(json, name);
    }
    json_decref(json), json_decref(copy);
}

Test(shared_host, every_member_must_be_there_and_of_its_type)
{
    expect_members(P0F_DIALECT_P0F3, 21);
    expect_members(P0F_DIALECT_MTU, 22);
    expect_members(P0F_DIALECT_MSS, 23);
    expect_members(P0F_DIALECT_API2, 24);
}

static void expect_once(enum p0f_dialect dialect)
{
    const struct p0f_host host = host_of(dialect);
    json_t *json = json_of(&host), *value;
    char *text = json_dumps(json, 0);
    const char *name;

    json_object_foreach(json, name, value)
    {
        char *dumped = json_dumps(value, JSON_ENCODE_ANY), twice[2 * SHARED_HOST_MAX];
        int length = snprintf(twice, sizeof twice, "{\"%s\":%s,%s", name, dumped, text + 1);
        cr_assert_not(is_read(twice, (size_t)length), "%s", twice);
        free(dumped);
    }
    free(text), json_decref(json);
}

Test(shared_host, no_member_may_be_there_twice)
{
    for (enum p0f_dialect d = P0F_DIALECT_P0F3; d <= P0F_DIALECT_API2; d++)
        expect_once(d);
}

Test(shared_host, integers_must_be_in_range)
{
    static const struct {
        enum p0f_dialect dialect;
        const char *name;
        json_int_t min, max;
    } ranges[] = {{P0F_DIALECT_P0F3, "magic", P0F_ANSWER_MAGIC, P0F_ANSWER_MAGIC},
                  {P0F_DIALECT_P0F3, "status", P0F_STATUS_OK, P0F_STATUS_OK},
                  {P0F_DIALECT_P0F3, "first_seen", 0, UINT32_MAX},
                  {P0F_DIALECT_P0F3, "last_seen", 0, UINT32_MAX},
                  {P0F_DIALECT_P0F3, "total_conn", 0, UINT32_MAX},
                  {P0F_DIALECT_P0F3, "uptime_min", 0, UINT32_MAX},
                  {P0F_DIALECT_P0F3, "up_mod_days", 0, UINT32_MAX},
                  {P0F_DIALECT_P0F3, "last_nat", 0, UINT32_MAX},
                  {P0F_DIALECT_P0F3, "last_chg", 0, UINT32_MAX},
                  {P0F_DIALECT_P0F3, "distance", INT16_MIN, INT16_MAX},
                  {P0F_DIALECT_P0F3, "bad_sw", 0, 2},
                  {P0F_DIALECT_P0F3, "os_match_q", 0, 3},
                  {P0F_DIALECT_P0F3, "observed_at", 0, INT64_MAX},
                  {P0F_DIALECT_MTU, "link_mtu", 0, UINT16_MAX},
                  {P0F_DIALECT_MSS, "mtu", 0, UINT16_MAX},
                  {P0F_DIALECT_MSS, "mss", 0, UINT16_MAX},
                  {P0F_DIALECT_API2, "version", 0, UINT8_MAX},
                  {P0F_DIALECT_API2, "last_mtu", 0, UINT16_MAX}};

    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        const struct p0f_host host = host_of(ranges[i].dialect);
        const char *name = ranges[i].name;
        json_t *json = json_of(&host);
        cr_assert(is_taken_with(json, name, json_integer(ranges[i].min)), "%s", name);
        cr_assert(is_taken_with(json, name, json_integer(ranges[i].max)), "%s", name);
        cr_assert_not(is_taken_with(json, name, json_integer(ranges[i].min - 1)), "%s", name);
        if (ranges[i].max < INT64_MAX)
            cr_assert_not(is_taken_with(json, name, json_integer(ranges[i].max + 1)), "%s", name);
        json_decref(json);
    }
}

Test(shared_host, observed_at_may_have_a_fraction)
{
    struct p0f_host host = host_of(P0F_DIALECT_P0F3);
    json_t *json = json_of(&host);

    cr_assert(is_taken_with(json, "observed_at", json_real(1700000100.75)));
    cr_assert(is_taken_with(json, "observed_at", json_real(1.5e9)));
    cr_assert_not(is_taken_with(json, "observed_at", json_real(-0.5)));
    cr_assert_not(is_taken_with(json, "observed_at", json_real(1e30)));
    cr_assert_not(is_taken_with(json, "observed_at", json_null()));
    cr_assert_not(is_taken_with(json, "observed_at", json_string("2026-11-23T15:15:00Z")));
    json_decref(json);
}

static void expect_extras(const char *members, bool taken)
{
    char value[SHARED_HOST_MAX];
    int length = snprintf(value, sizeof value, STOCK "%s" END, members);

    cr_assert_eq(is_read(value, (size_t)length), taken, "%s", members);
}

Test(shared_host, extra_fields_must_be_those_of_one_dialect)
{
    expect_extras("", true);
    expect_extras(",\"link_mtu\":1", true);
    expect_extras(",\"mss\":1,\"mtu\":1", true);
    expect_extras(",\"mtu\":1", false);
    expect_extras(",\"mss\":1", false);
    expect_extras(",\"link_mtu\":1,\"mtu\":1,\"mss\":1", false);
    expect_extras(",\"last_freq\":1,\"version\":1,\"last_mtu\":1", true);
    expect_extras(",\"version\":1", false);
    expect_extras(",\"version\":1,\"last_mtu\":1", false);
    expect_extras(",\"version\":1,\"last_mtu\":1,\"last_freq\":1,\"link_mtu\":1", false);
    expect_extras(",\"link_mtu\":65536", false);
    expect_extras(",\"last_freq\":1e999,\"version\":1,\"last_mtu\":1", false);
}

static void expect_name(const char *name, bool valid)
{
    const struct p0f_host host = host_of(P0F_DIALECT_P0F3);
    json_t *json = json_of(&host);

    cr_assert_eq(is_taken_with(json, "sensor", json_string(name)), valid, "%s", name);
    json_decref(json);
}

Test(shared_host, the_sensor_must_have_a_valid_name)
{
    char name[SHARED_HOST_SENSOR_SIZE + 1] = "";

    expect_name("web1", true);
    expect_name("web-1.example/lan_0", true);
    expect_name("", false);
    expect_name("web 1", false);
    expect_name("/", false);
    expect_name("web\n", false);
    expect_name("caf\xc3\xa9", false);
    expect_name("\"", false);
    memset(name, 'a', SHARED_HOST_SENSOR_SIZE - 1);
    name[(SHARED_HOST_SENSOR_SIZE - 1) / 2] = '/';
    expect_name(name, true);
    name[SHARED_HOST_SENSOR_SIZE - 1] = 'a';
    expect_name(name, false);
}

Test(shared_host, the_address_must_be_the_one_asked_about)
{
    const struct p0f_host host = host_of(P0F_DIALECT_P0F3);
    char value[SHARED_HOST_MAX];
    struct shared_host shared;
    size_t length = shared_host_write(&addr6, &host, SENSOR, OBSERVED_AT, value);
    json_t *json = json_of(&host);

    cr_assert(shared_host_read(value, length, &addr6, &shared));
    cr_assert_not(shared_host_read(value, length, &addr, &shared));
    cr_assert(is_taken_with(json, "ip", json_string("::ffff:192.0.2.1")), "the same address");
    cr_assert_not(is_taken_with(json, "ip", json_string("192.0.2.2")));
    cr_assert_not(is_taken_with(json, "ip", json_string("192.0.2.1 ")));
    cr_assert_not(is_taken_with(json, "ip", json_string("192.0.2.1/32")));
    cr_assert_not(is_taken_with(json, "ip", json_string("")));
    json_decref(json);
}

Test(shared_host, other_bytes_are_refused)
{
    static const char *const cases[] = {"",
                                        "\n",
                                        "garbage",
                                        "null",
                                        "[]",
                                        "{}",
                                        "{",
                                        "[" STOCK END "]",
                                        STOCK,
                                        STOCK END "{}",
                                        STOCK END "x",
                                        "\xef\xbb\xbf" STOCK END,
                                        STOCK END "}",
                                        STOCK "," END,
                                        STOCK ",\"x\":\"\xe9\"" END,
                                        STOCK ",\"x\":tru" END,
                                        STOCK ",\"x\":[[[[[[[[[1]]]]]]]]]" END,
                                        STOCK ",\"\\u0000\":1" END};

    cr_assert(is_read(STOCK END, strlen(STOCK END)));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        cr_assert_not(is_read(cases[i], strlen(cases[i])), "%s", cases[i]);
    cr_assert_not(is_read(STOCK END, strlen(STOCK END) + 1), "with a NUL at the end");
    cr_assert_not(is_read(STOCK END "\0{", strlen(STOCK END) + 2), "after a NUL");
}

/* When there is all that it needs, too. */
Test(shared_host, bytes_after_the_last_member_are_refused)
{
    static const char *const ends[] = {
        "",    ",}", ",\"x\"}", ",\"x\" 1}",    ",\"x\":}",          ",\"x\":tru}",
        " 1}", "]",  "}}",      ",\"mtu\":1,}", ",\"sensor\":\"a\"}"};
    char value[SHARED_HOST_MAX];

    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        int whole = (int)strlen(STOCK END) - 1;
        int length = snprintf(value, sizeof value, "%.*s%s", whole, STOCK END, ends[i]);
        cr_assert_not(is_read(value, (size_t)length), "%s", ends[i]);
    }
}

Test(shared_host, times_may_be_0)
{
    struct p0f_host host = host_of(P0F_DIALECT_P0F3);
    char value[SHARED_HOST_MAX];

    host.first_seen = host.last_seen = 0;
    cr_assert(is_read(value, shared_host_write(&addr, &host, SENSOR, 0, value)));
}

Test(shared_host, a_part_of_it_is_refused)
{
    for (size_t length = 0; length < strlen(STOCK END); length++)
        cr_assert_not(is_read(STOCK END, length), "%zu bytes", length);
}

Test(shared_host, its_length_is_bounded)
{
    char value[SHARED_HOST_MAX + 1];
    size_t length = strlen(STOCK END);

    memset(value, ' ', sizeof value);
    memcpy(value + sizeof value - length, STOCK END, length);
    cr_assert(is_read(value + 1, SHARED_HOST_MAX));
    cr_assert_not(is_read(value, SHARED_HOST_MAX + 1));
}

/* ---- Texts */

static char *text_of(struct p0f_host *host, unsigned which)
{
    char *texts[] = {host->os_name,     host->os_flavor, host->http_name,
                     host->http_flavor, host->link_type, host->language};
    return texts[which];
}

static void expect_text(const char *sent, const char *read)
{
    for (unsigned which = 0; which < 6; which++) {
        struct p0f_host host = host_of(P0F_DIALECT_P0F3);
        char value[SHARED_HOST_MAX];
        struct shared_host shared;
        strcpy(text_of(&host, which), sent);
        size_t length = shared_host_write(&addr, &host, SENSOR, OBSERVED_AT, value);
        cr_assert(shared_host_read(value, length, &addr, &shared), "%s", sent);
        cr_assert_str_eq(text_of(&shared.host, which), read);
    }
}

#define TIMES_8(text) text text text text text text text text

Test(shared_host, texts_of_any_bytes)
{
    expect_text("", "");
    expect_text("\x01\n\"\\/\x1f\x7f", "\x01\n\"\\/\x1f\x7f");
    expect_text("\xe2\x82\xac\xf0\x9f\x98\x80", "\xe2\x82\xac\xf0\x9f\x98\x80");
    expect_text(TIMES_8("abcd"), TIMES_8("abcd"));
    expect_text(TIMES_8("\xc3\xa9\xc3\xa9"), TIMES_8("\xc3\xa9\xc3\xa9"));
    /* Latin-1: UTF-8 now, unless it would be too long */
    expect_text("caf\xe9", "caf\xc3\xa9");
    expect_text(TIMES_8("\xe9\xe9"), TIMES_8("\xc3\xa9\xc3\xa9"));
    expect_text(TIMES_8("\xe9\xe9") "a", TIMES_8("\xe9\xe9") "a");
    expect_text(TIMES_8("\xff\xfe\x80\x9f"), TIMES_8("\xff\xfe\x80\x9f"));
}

static void expect_json_text(const char *text, bool taken)
{
    const struct p0f_host host = host_of(P0F_DIALECT_P0F3);
    json_t *json = json_of(&host);

    cr_assert_eq(is_taken_with(json, "os_name", json_string(text)), taken, "%s", text);
    json_decref(json);
}

Test(shared_host, texts_that_p0f_cannot_have_sent)
{
    expect_json_text(TIMES_8("abcd") "e", false);
    expect_json_text(TIMES_8("\xe2\x82\xac\xe2\x82\xac"), false); /* not Latin-1 */
    expect_json_text(TIMES_8("\xc3\xa9\xc3\xa9") "e", true);
    expect_json_text(TIMES_8("\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9") "e", false); /* 33 characters */
    /* As Latin-1 it would be "é" 16 times, in UTF-8, and would have been written as that. */
    expect_json_text(TIMES_8("\xc3\x83\xc2\xa9\xc3\x83\xc2\xa9"), false);
}

/* ---- Writing what is not usual */

Test(shared_host, what_is_out_of_p0fs_range_is_not_written)
{
    char value[SHARED_HOST_MAX];
    struct p0f_host host = host_of(P0F_DIALECT_P0F3);

    host.bad_sw = 3;
    cr_assert_eq(shared_host_write(&addr, &host, SENSOR, OBSERVED_AT, value), 0);
    host.bad_sw = 0;
    host.os_match_q = 4;
    cr_assert_eq(shared_host_write(&addr, &host, SENSOR, OBSERVED_AT, value), 0);
}

Test(shared_host, the_longest_has_room)
{
    const struct p0f_addr longest = {6,
                                     {0x20, 0x01, 0x2d, 0xb8, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11,
                                      0x11, 0x11, 0x11, 0x11, 0x11, 0x11}};
    char value[SHARED_HOST_MAX], name[SHARED_HOST_SENSOR_SIZE] = "";
    struct p0f_host host = host_of(P0F_DIALECT_API2);
    struct shared_host shared;

    for (unsigned which = 0; which < 6; which++)
        memset(text_of(&host, which), '\x01', P0F_TEXT_SIZE - 1); /* "\u0001" */
    host.first_seen = host.last_seen = host.total_conn = host.uptime_min = UINT32_MAX;
    host.up_mod_days = host.last_nat = host.last_chg = UINT32_MAX;
    host.distance = INT16_MIN;
    host.version = UINT8_MAX;
    host.last_mtu = UINT16_MAX;
    host.last_freq = -2.2250738585072014e-308;
    memset(name, 'a', sizeof name - 1);
    name[63] = '/';
    size_t length = shared_host_write(&longest, &host, name, INT64_MAX, value);
    cr_assert_gt(length, 1500);
    cr_assert(shared_host_read(value, length, &longest, &shared));
    cr_assert_eq(memcmp(&shared.host, &host, sizeof host), 0);
    cr_assert_str_eq(shared.sensor, name);
    cr_assert_eq(shared.observed_at, INT64_MAX);
}

/* ---- At random */

static uint64_t random_state = 1;

static uint64_t random_next(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

/* Often an end of the range. */
static uint64_t random_below(uint64_t limit)
{
    switch (random_next() % 8) {
    case 0:
        return 0;
    case 1:
        return limit - 1;
    default:
        return random_next() % limit;
    }
}

/* ASCII, UTF-8 or anything. */
static void random_text(char text[P0F_TEXT_SIZE])
{
    static const char *const pieces[] = {
        "a",    " ",    "\"",  "\\", "\x01", "/", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80",
        "\xe9", "\xc3", "\xff"};
    static const unsigned used[] = {6, 9, 12};
    size_t length = random_below(P0F_TEXT_SIZE), kind = random_next() % 4, at = 0;

    memset(text, 0, P0F_TEXT_SIZE);
    while (at < length) {
        const char *piece = pieces[random_next() % used[kind % 3]];
        const char any[] = {(char)(1 + random_next() % 255), '\0'};
        piece = kind == 3 ? any : piece;
        if (at + strlen(piece) > P0F_TEXT_SIZE - 1)
            break;
        memcpy(text + at, piece, strlen(piece));
        at += strlen(piece);
    }
}

static struct p0f_host random_host(void)
{
    struct p0f_host host;

    memset(&host, 0, sizeof host);
    host.dialect = P0F_DIALECT_P0F3 + (unsigned)(random_next() % 5);
    host.last_seen = (uint32_t)random_below(UINT64_C(1) << 32);
    uint32_t *const numbers[] = {&host.first_seen,  &host.total_conn, &host.uptime_min,
                                 &host.up_mod_days, &host.last_nat,   &host.last_chg};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        *numbers[i] = (uint32_t)random_below(UINT64_C(1) << 32);
    host.distance = (int16_t)random_below(1 << 16);
    host.bad_sw = (uint8_t)random_below(3);
    host.os_match_q = (uint8_t)random_below(4);
    for (unsigned which = 0; which < 6; which++)
        random_text(text_of(&host, which));
    host.version = (uint8_t)random_below(256);
    host.link_mtu = (uint16_t)random_below(1 << 16);
    host.mtu = (uint16_t)random_below(1 << 16);
    host.mss = (uint16_t)random_below(1 << 16);
    host.last_mtu = (uint16_t)random_below(1 << 16);
    uint64_t bits = random_next();
    memcpy(&host.last_freq, &bits, sizeof bits);
    if (bits % 16 == 0)
        host.last_freq = bits % 32 ? INFINITY : -NAN;
    return host;
}

/* What can be read of it again. */
static struct p0f_host expected_of(const struct p0f_host *host)
{
    struct p0f_host expected = *host;

    if (host->dialect == P0F_DIALECT_SIG)
        expected.dialect = P0F_DIALECT_P0F3;
    if (host->dialect != P0F_DIALECT_MTU)
        expected.link_mtu = 0;
    if (host->dialect != P0F_DIALECT_MSS)
        expected.mtu = expected.mss = 0;
    if (host->dialect != P0F_DIALECT_API2)
        expected.version = 0, expected.last_mtu = 0, expected.last_freq = 0;
    else if (!isfinite(host->last_freq))
        expected.last_freq = NAN;
    for (unsigned which = 0; which < 6; which++) {
        char utf8[2 * P0F_TEXT_SIZE], *text = text_of(&expected, which);
        if (!utf8_valid(text) && utf8_from_latin1(text, utf8, sizeof utf8) < P0F_TEXT_SIZE)
            strcpy(text, utf8);
    }
    return expected;
}

static void expect_same_json(const struct p0f_host *host, const struct p0f_host *other)
{
    for (int format = 0; format < RENDER_FORMATS; format++) {
        size_t length, other_length;
        char *json = render_host(&addr, host, NULL, (enum render_format)format, &length);
        char *other_json =
            render_host(&addr, other, NULL, (enum render_format)format, &other_length);
        cr_assert_str_eq(json, other_json);
        free(json), free(other_json);
    }
}

Test(shared_host, any_host_comes_back)
{
    for (int i = 0; i < 100000; i++) {
        const struct p0f_host host = random_host();
        const struct p0f_host expected = expected_of(&host);
        char value[SHARED_HOST_MAX], again[SHARED_HOST_MAX];
        struct shared_host shared;
        size_t length = shared_host_write(&addr6, &host, SENSOR, UINT32_MAX, value);
        cr_assert(shared_host_read(value, length, &addr6, &shared), "%.*s", (int)length, value);
        cr_assert_eq(memcmp(&shared.host, &expected, sizeof expected), 0, "%.*s", (int)length,
                     value);
        cr_assert_eq(shared.observed_at, UINT32_MAX);
        expect_same_json(&host, &shared.host);
        cr_assert_eq(shared_host_write(&addr6, &shared.host, SENSOR, UINT32_MAX, again), length);
        cr_assert_arr_eq(again, value, length);
    }
}
