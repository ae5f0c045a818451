/* SPDX-License-Identifier: MIT */
#include "relay_fixture.h"

#include "core/metrics.h"

/* As the wire has it: magic, type, address. */
static struct relay_query read_query(uint32_t magic, uint8_t type, const uint8_t addr[16])
{
    uint8_t bytes[P0F_QUERY_SIZE];
    struct relay_query query;

    memcpy(bytes, &magic, 4);
    bytes[4] = type;
    memcpy(bytes + 5, addr, 16);
    relay_query_read(&query, bytes);
    return query;
}

static const uint8_t four[16] = {192, 0, 2, 1};
static const uint8_t full[16] = {192, 0, 2, 1, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
static const uint8_t mapped[16] = {[10] = 0xff, 0xff, 192, 0, 2, 1};

static void expect_bytes(const struct relay_query *query, uint32_t status)
{
    uint8_t bytes[RELAY_ANSWER_SIZE], expected[RELAY_ANSWER_SIZE] = {0};
    const uint32_t head[2] = {P0F_ANSWER_MAGIC, status};

    memcpy(expected, head, sizeof head);
    memset(bytes, 0xaa, sizeof bytes);
    relay_query_answer(query, bytes);
    cr_assert_arr_eq(bytes, expected, sizeof bytes);
}

Test(relay_query, asks_about_a_host_that_is_connected)
{
    struct relay_query query = read_query(P0F_QUERY_MAGIC, 4, four);

    cr_assert_not(query.malformed);
    cr_assert_arr_eq(query.lookup.addr.bytes, four, 16);
    cr_assert_eq(query.lookup.addr.type, 4);
    cr_assert(query.lookup.here_now);
    cr_assert_eq(query.lookup.wait_ms, LOOKUP_WAIT_UNSET);
    cr_assert_eq(query.lookup.max_age_ms, LOOKUP_MAX_AGE_UNSET);
    cr_assert_not(query.lookup.only_if_cached);
}

Test(relay_query, of_ipv4_is_four_bytes)
{
    struct relay_query query = read_query(P0F_QUERY_MAGIC, 4, full);

    cr_assert_not(query.malformed);
    cr_assert_arr_eq(query.lookup.addr.bytes, four, 16);
}

/* As with p0f, to which it is an IPv6 address like others. */
Test(relay_query, of_ipv6_is_as_it_came)
{
    struct relay_query query = read_query(P0F_QUERY_MAGIC, 6, full);

    cr_assert_arr_eq(query.lookup.addr.bytes, full, 16);
    query = read_query(P0F_QUERY_MAGIC, 6, mapped);
    cr_assert_eq(query.lookup.addr.type, 6);
    cr_assert_arr_eq(query.lookup.addr.bytes, mapped, 16);
}

Test(relay_query, not_understood)
{
    const struct relay_query bad[] = {
        read_query(P0F_QUERY_MAGIC + 1, 4, four), read_query(P0F_ANSWER_MAGIC, 6, four),
        read_query(P0F_QUERY_MAGIC, 0, four), read_query(P0F_QUERY_MAGIC, 255, four)};

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        cr_assert(bad[i].malformed);
        cr_assert(relay_query_has_answer(&bad[i]));
        expect_bytes(&bad[i], P0F_STATUS_BADQUERY);
    }
}

Test(relay_query, no_match)
{
    struct relay_query query = read_query(P0F_QUERY_MAGIC, 4, four);

    query.lookup.outcome = LOOKUP_NO_MATCH;
    cr_assert(relay_query_has_answer(&query));
    expect_bytes(&query, P0F_STATUS_NOMATCH);
}

Test(relay_query, failures_have_no_answer)
{
    struct relay_query query = read_query(P0F_QUERY_MAGIC, 4, four);
    const enum lookup_outcome failures[] = {LOOKUP_BAD_RESPONSE, LOOKUP_UNAVAILABLE,
                                            LOOKUP_INCOMPLETE,   LOOKUP_OVERLOADED,
                                            LOOKUP_TIMEOUT,      LOOKUP_CANCELLED};

    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++) {
        query.lookup.outcome = failures[i];
        cr_assert_not(relay_query_has_answer(&query));
    }
}

/* Whatever is in it, as p0f would send it: 32 characters without a NUL, and values that do not exist. */
static struct p0f_host full_host(enum p0f_dialect dialect)
{
    return (struct p0f_host){
        .dialect = dialect,
        .version = 2,
        .last_mtu = 1500,
        .link_mtu = 1500,
        .mtu = 1400,
        .mss = 1360,
        .first_seen = 0x01020304,
        .last_seen = 0x05060708,
        .total_conn = UINT32_MAX,
        .uptime_min = 1,
        .up_mod_days = 2,
        .last_nat = 3,
        .last_chg = 4,
        .distance = P0F_DISTANCE_UNKNOWN,
        .bad_sw = 77,
        .os_match_q = 99,
        .os_name = "12345678901234567890123456789012",
        .os_flavor = "\xff\xfe",
        .http_name = "n",
        .http_flavor = "f",
        .link_type = "l",
        .language = "La",
    };
}

Test(relay_query, found_in_any_dialect_is_a_stock_answer)
{
    struct p0f_answer stock = {.status = P0F_STATUS_OK, .host = full_host(P0F_DIALECT_P0F3)};
    uint8_t expected[P0F_ANSWER_MAX], bytes[RELAY_ANSWER_SIZE];

    cr_assert_eq(p0f_answer_pack(&stock, P0F_DIALECT_P0F3, expected), RELAY_ANSWER_SIZE);
    for (enum p0f_dialect d = P0F_DIALECT_P0F3; d <= P0F_DIALECT_SIG; d++) {
        struct relay_query query = read_query(P0F_QUERY_MAGIC, 4, four);
        const struct p0f_host host = full_host(d);
        query.lookup.outcome = LOOKUP_FOUND;
        query.lookup.record = host_record_new(&query.lookup.addr, &host, NULL, false);
        cr_assert_not_null(query.lookup.record);
        relay_query_answer(&query, bytes);
        cr_assert_arr_eq(bytes, expected, sizeof bytes, "%s", p0f_dialect_name(d));
        relay_query_release(&query);
        cr_assert_null(query.lookup.record);
        relay_query_release(&query);
    }
}
