/* SPDX-License-Identifier: MIT */
/* Pack and unpack, against the layout as p0f's api.h has it. */
#include "../../support/c/guard_page.h"
#include "p0fclient.h"

#include <criterion/criterion.h>
#include <limits.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define EACH_DIALECT(d)                                                                            \
    enum p0f_dialect d = P0F_DIALECT_P0F3;                                                         \
    d <= P0F_DIALECT_SIG;                                                                          \
    d++

/* An answer no two neighbouring bytes of which are equal, and without a zero: texts are full. */
static size_t patterned(uint8_t *out, enum p0f_dialect dialect, uint32_t status)
{
    const uint32_t magic = 0x50304602;
    size_t size = p0f_answer_size(dialect);

    for (size_t i = 8; i < size; i++)
        out[i] = (uint8_t)(1 + i * 7 % 251);
    memcpy(out, &magic, 4);
    memcpy(out + 4, &status, 4);
    return size;
}

static struct p0f_answer unpacked(const uint8_t *bytes, enum p0f_dialect dialect)
{
    struct p0f_answer answer;
    int size = (int)p0f_answer_size(dialect);

    memset(&answer, 0xee, sizeof answer);
    cr_assert_eq(p0f_answer_unpack(bytes, (size_t)size, dialect, &answer), size);
    cr_assert_eq(answer.host.dialect, dialect);
    return answer;
}

Test(wire, names_and_sizes)
{
    static const char *const names[] = {"auto", "p0f3", "mtu", "mss", "api2", "sig"};
    static const size_t sizes[] = {0, 232, 234, 236, 243, 744};

    for (int d = P0F_DIALECT_AUTO; d <= P0F_DIALECT_SIG; d++) {
        cr_assert_str_eq(p0f_dialect_name((enum p0f_dialect)d), names[d]);
        cr_assert_eq(p0f_answer_size((enum p0f_dialect)d), sizes[d]);
        cr_assert_leq(sizes[d] + 4, P0F_ANSWER_MAX, "detected within that");
    }
}

/* As a caller's mistake, or by a program for a newer library. */
Test(wire, no_such_dialect)
{
    static const int none[] = {-1, P0F_DIALECT_SIG + 1, 7, INT_MAX, INT_MIN};
    struct p0f_answer answer = {.status = P0F_STATUS_OK};
    uint8_t bytes[P0F_ANSWER_MAX], before[P0F_ANSWER_MAX];

    patterned(bytes, P0F_DIALECT_P0F3, P0F_STATUS_OK);
    memcpy(before, bytes, 232);
    for (size_t i = 0; i < COUNT(none); i++) {
        enum p0f_dialect dialect = (enum p0f_dialect)none[i];
        cr_assert_str_eq(p0f_dialect_name(dialect), "unknown");
        cr_assert_eq(p0f_answer_size(dialect), 0);
        cr_assert_eq(p0f_answer_pack(&answer, dialect, bytes), 0);
        cr_assert_eq(p0f_answer_unpack(bytes, sizeof bytes, dialect, &answer), -1);
    }
    cr_assert_eq(p0f_answer_pack(&answer, P0F_DIALECT_AUTO, bytes), 0);
    cr_assert_eq(p0f_answer_unpack(bytes, sizeof bytes, P0F_DIALECT_AUTO, &answer), -1);
    cr_assert_arr_eq(bytes, before, 232);
}

Test(wire, query_byte_by_byte)
{
    static const struct p0f_addr addr = {6,
                                         {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};
    const uint32_t magic = 0x50304601;
    uint8_t out[P0F_QUERY_SIZE + 1];
    struct p0f_addr again;

    out[21] = 0x5a;
    p0f_query_pack(&addr, out);
    cr_assert_arr_eq(out, &magic, 4);
    cr_assert_eq(out[4], 6);
    cr_assert_arr_eq(out + 5, addr.bytes, 16);
    cr_assert_eq(out[21], 0x5a);
    cr_assert(p0f_query_unpack(out, &again));
    cr_assert_arr_eq(&again, &addr, sizeof addr);
}

Test(wire, query_with_wrong_magic_or_type)
{
    static const struct p0f_addr addr = {.type = 4};
    uint8_t out[P0F_QUERY_SIZE];
    struct p0f_addr again;

    for (int i = 0; i < 4; i++) {
        p0f_query_pack(&addr, out);
        out[i] ^= 1;
        cr_assert_not(p0f_query_unpack(out, &again), "byte %d", i);
    }
    p0f_query_pack(&addr, out);
    for (unsigned type = 0; type < 256; type++) {
        out[4] = (uint8_t)type;
        cr_assert_eq(p0f_query_unpack(out, &again), type == 4 || type == 6, "type %u", type);
    }
}

/* Where a field of the stock answer at `offset` stands in `dialect`. */
static size_t shifted(size_t offset, enum p0f_dialect dialect)
{
    if (dialect == P0F_DIALECT_API2)
        return offset + 11;
    if (offset >= 168)
        return offset + (dialect == P0F_DIALECT_MTU ? 2 : dialect == P0F_DIALECT_MSS ? 4 : 0);
    return offset;
}

Test(wire, numbers_stand_where_the_layout_says)
{
    for (EACH_DIALECT(d)) {
        uint8_t in[P0F_ANSWER_MAX];
        patterned(in, d, P0F_STATUS_OK);
        struct p0f_answer a = unpacked(in, d);
        const struct {
            size_t offset, size;
            const void *value;
        } field[] = {
            {8, 4, &a.host.first_seen},  {12, 4, &a.host.last_seen},   {16, 4, &a.host.total_conn},
            {20, 4, &a.host.uptime_min}, {24, 4, &a.host.up_mod_days}, {28, 4, &a.host.last_nat},
            {32, 4, &a.host.last_chg},   {36, 2, &a.host.distance},    {38, 1, &a.host.bad_sw},
            {39, 1, &a.host.os_match_q},
        };

        cr_assert_eq(a.status, P0F_STATUS_OK);
        for (size_t i = 0; i < COUNT(field); i++)
            cr_assert_arr_eq(field[i].value, in + shifted(field[i].offset, d), field[i].size,
                             "%s, offset %zu", p0f_dialect_name(d), field[i].offset);
    }
}

Test(wire, texts_of_32_bytes_have_no_nul_on_the_wire)
{
    for (EACH_DIALECT(d)) {
        uint8_t in[P0F_ANSWER_MAX];
        patterned(in, d, P0F_STATUS_OK);
        struct p0f_answer a = unpacked(in, d);
        const char *const text[] = {a.host.os_name,     a.host.os_flavor, a.host.http_name,
                                    a.host.http_flavor, a.host.link_type, a.host.language};

        for (size_t i = 0; i < COUNT(text); i++) {
            cr_assert_eq(strnlen(text[i], P0F_TEXT_SIZE), 32, "text %zu", i);
            cr_assert_arr_eq(text[i], in + shifted(40 + 32 * i, d), 32, "text %zu", i);
        }
    }
}

Test(wire, extra_fields_of_the_dialects)
{
    uint8_t in[P0F_ANSWER_MAX];
    struct p0f_host host;

    patterned(in, P0F_DIALECT_MTU, P0F_STATUS_OK);
    host = unpacked(in, P0F_DIALECT_MTU).host;
    cr_assert_arr_eq(&host.link_mtu, in + 168, 2);
    patterned(in, P0F_DIALECT_MSS, P0F_STATUS_OK);
    host = unpacked(in, P0F_DIALECT_MSS).host;
    cr_assert_arr_eq(&host.mtu, in + 168, 2);
    cr_assert_arr_eq(&host.mss, in + 170, 2);
    patterned(in, P0F_DIALECT_API2, P0F_STATUS_OK);
    host = unpacked(in, P0F_DIALECT_API2).host;
    cr_assert_arr_eq(&host.version, in + 8, 1);
    cr_assert_arr_eq(&host.last_mtu, in + 9, 2);
    cr_assert_arr_eq(&host.last_freq, in + 11, 8);
    patterned(in, P0F_DIALECT_P0F3, P0F_STATUS_OK);
    host = unpacked(in, P0F_DIALECT_P0F3).host;
    cr_assert(host.version == 0 && host.last_mtu == 0 && host.link_mtu == 0);
    cr_assert(host.mtu == 0 && host.mss == 0);
}

Test(wire, all_dialects_go_round)
{
    static const uint32_t status[] = {P0F_STATUS_BADQUERY, P0F_STATUS_OK, P0F_STATUS_NOMATCH};

    for (EACH_DIALECT(d)) {
        for (size_t i = 0; i < COUNT(status); i++) {
            uint8_t in[P0F_ANSWER_MAX], out[P0F_ANSWER_MAX + 1];
            size_t size = patterned(in, d, status[i]);
            struct p0f_answer answer = unpacked(in, d);

            memset(out, 0x5a, sizeof out);
            cr_assert_eq(p0f_answer_pack(&answer, d, out), size);
            if (d == P0F_DIALECT_SIG)
                memset(in + 232, 0, 512); /* of which nothing is kept */
            cr_assert_arr_eq(out, in, size, "%s", p0f_dialect_name(d));
            cr_assert_eq(out[size], 0x5a, "%s wrote too far", p0f_dialect_name(d));
        }
    }
}

Test(wire, texts_are_filled_with_zeroes)
{
    static const char zeroes[P0F_TEXT_SIZE];
    struct p0f_answer answer = {.status = P0F_STATUS_OK}, again;
    uint8_t out[P0F_ANSWER_MAX];

    memset(out, 0xff, sizeof out);
    strcpy(answer.host.os_name, "Linux");
    memset(answer.host.language, 'x', 32);
    answer.host.distance = -1;
    p0f_answer_pack(&answer, P0F_DIALECT_P0F3, out);
    cr_assert_arr_eq(out + 40, "Linux", 5);
    cr_assert_arr_eq(out + 45, zeroes, 27);
    memcpy(out + 46, "junk", 4); /* behind the NUL */
    again = unpacked(out, P0F_DIALECT_P0F3);
    cr_assert_str_eq(again.host.os_name, "Linux");
    cr_assert_arr_eq(again.host.os_name + 5, zeroes, P0F_TEXT_SIZE - 5);
    cr_assert_str_eq(again.host.language, answer.host.language);
    cr_assert_eq(again.host.distance, -1);
}

Test(wire, truncated_at_every_length)
{
    uint8_t *end = guard_page_end();

    cr_assert_not_null(end);
    for (EACH_DIALECT(d)) {
        uint8_t in[2 * P0F_ANSWER_MAX] = {0};
        size_t size = patterned(in, d, P0F_STATUS_OK);

        for (size_t length = 0; length < size + 50; length++) {
            struct p0f_answer answer = {.status = 77};
            const uint8_t *at = guard_page_put(end, in, length);

            cr_assert_eq(p0f_answer_unpack(at, length, d, &answer), length < size ? 0 : (int)size,
                         "%s, %zu bytes", p0f_dialect_name(d), length);
            cr_assert_eq(answer.status, length < size ? 77 : P0F_STATUS_OK);
        }
    }
    guard_page_free(end);
}

Test(wire, malformed_as_soon_as_it_shows)
{
    uint8_t *end = guard_page_end();
    struct p0f_answer answer;

    cr_assert_not_null(end);
    for (EACH_DIALECT(d)) {
        for (int wrong = 0; wrong < 8; wrong++) {
            uint8_t in[P0F_ANSWER_MAX];
            size_t size = patterned(in, d, P0F_STATUS_OK), shows = wrong < 4 ? 4 : 8;

            in[wrong] ^= 0x01;
            for (size_t length = 0; length <= size; length++) {
                const uint8_t *at = guard_page_put(end, in, length);
                cr_assert_eq(p0f_answer_unpack(at, length, d, &answer), length < shows ? 0 : -1,
                             "%s, byte %d, %zu bytes", p0f_dialect_name(d), wrong, length);
            }
        }
    }
    guard_page_free(end);
}

Test(wire, dialect_is_detected_when_the_second_magic_is_whole)
{
    uint8_t *end = guard_page_end();

    cr_assert_not_null(end);
    for (EACH_DIALECT(d)) {
        uint8_t in[2 * P0F_ANSWER_MAX];
        size_t size = patterned(in, d, P0F_STATUS_NOMATCH);

        patterned(in + size, d, P0F_STATUS_NOMATCH);
        for (size_t length = 0; length <= 2 * size; length++) {
            enum p0f_dialect found = P0F_DIALECT_AUTO;
            const uint8_t *at = guard_page_put(end, in, length);
            bool whole = length >= size + 4;

            cr_assert_eq(p0f_dialect_detect(at, length, &found), whole, "%zu bytes", length);
            cr_assert_eq(found, whole ? d : P0F_DIALECT_AUTO, "%zu bytes", length);
        }
    }
    guard_page_free(end);
}

Test(wire, no_dialect_fits)
{
    uint8_t *end = guard_page_end();
    uint8_t in[P0F_ANSWER_MAX] = {0};
    enum p0f_dialect found;

    cr_assert_not_null(end);
    for (size_t length = 0; length <= sizeof in; length++)
        cr_assert_eq(p0f_dialect_detect(guard_page_put(end, in, length), length, &found),
                     length < 4 ? 0 : -1);
    patterned(in, P0F_DIALECT_P0F3, P0F_STATUS_OK);
    for (size_t length = 0; length <= sizeof in; length++)
        cr_assert_eq(p0f_dialect_detect(guard_page_put(end, in, length), length, &found),
                     length < 748 ? 0 : -1, "%zu bytes", length);
    guard_page_free(end);
}

/* Two answers of each size that none has: it shows with the second magic, which two probes bring. */
Test(wire, sizes_of_no_dialect)
{
    for (size_t size = 232; size < 800; size++) {
        uint8_t in[2 * 800] = {0};
        enum p0f_dialect found = P0F_DIALECT_AUTO;
        bool known = false;

        for (EACH_DIALECT(d))
            known = known || p0f_answer_size(d) == size;
        patterned(in, P0F_DIALECT_P0F3, P0F_STATUS_NOMATCH);
        patterned(in + size, P0F_DIALECT_P0F3, P0F_STATUS_NOMATCH);
        cr_assert_eq(p0f_dialect_detect(in, 2 * size, &found), known ? 1 : -1, "%zu bytes", size);
        cr_assert_eq(p0f_answer_size(found), known ? size : 0);
    }
}

Test(wire, ranges)
{
    for (unsigned value = 0; value < 256; value++) {
        struct p0f_host proxy = {.bad_sw = (uint8_t)value}, fuzzy = {.os_match_q = (uint8_t)value};

        cr_assert_eq(p0f_host_check(&proxy), value <= 2 ? P0F_OK : P0F_OUT_OF_RANGE);
        cr_assert_eq(p0f_host_check(&fuzzy), value <= 3 ? P0F_OK : P0F_OUT_OF_RANGE);
    }
}
