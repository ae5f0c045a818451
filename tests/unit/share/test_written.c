/* SPDX-License-Identifier: MIT */
#include "share/written.h"

#include <criterion/criterion.h>
#include <string.h>

#define INTERVAL 30000 /* ms */

static const struct hash_key key = {1, 2};
static const struct p0f_addr addr = {4, {192, 0, 2, 1}};

static struct mono at_ms(int64_t ms)
{
    return mono_add_ms((struct mono){0}, ms);
}

static struct p0f_addr addr_of(uint32_t number)
{
    struct p0f_addr numbered = {.type = 4};

    memcpy(numbered.bytes, &number, sizeof number);
    return numbered;
}

static bool is_due(struct written *written, const struct p0f_host *host, int64_t ms)
{
    return written_due(written, &addr, "a", host, at_ms(ms), INTERVAL);
}

Test(written, an_unchanged_host_is_due_once_in_an_interval)
{
    struct written *written = written_new(100, key);
    const struct p0f_host host = {.dialect = P0F_DIALECT_P0F3, .os_name = "Linux"};

    cr_assert_eq(written_count(written), 0);
    cr_assert(is_due(written, &host, 0));
    cr_assert_eq(written_count(written), 1);
    cr_assert_not(is_due(written, &host, 0));
    cr_assert_not(is_due(written, &host, INTERVAL - 1));
    cr_assert(is_due(written, &host, INTERVAL));
    cr_assert_not(is_due(written, &host, 2 * INTERVAL - 1), "counted from the last write");
    cr_assert(is_due(written, &host, 2 * INTERVAL));
    cr_assert_eq(written_count(written), 1);
    written_free(written);
}

Test(written, an_interval_of_0_is_no_interval)
{
    struct written *written = written_new(100, key);
    const struct p0f_host host = {.dialect = P0F_DIALECT_P0F3};

    for (int i = 0; i < 3; i++)
        cr_assert(written_due(written, &addr, "a", &host, at_ms(5), 0));
    cr_assert_not(written_due(written, &addr, "a", &host, at_ms(5), 1));
    written_free(written);
}

/* `change` is one that is written at once, or one that a visit makes. */
static void expect_change(enum p0f_dialect dialect, void (*change)(struct p0f_host *host), bool due)
{
    struct written *written = written_new(100, key);
    struct p0f_host host = {.dialect = dialect};

    cr_assert(is_due(written, &host, 0));
    change(&host);
    cr_assert_eq(is_due(written, &host, 1), due);
    cr_assert_not(is_due(written, &host, 2));
    cr_assert_not(is_due(written, &host, INTERVAL - 1));
    cr_assert(is_due(written, &host, INTERVAL + 1));
    written_free(written);
}

#define CHANGE(field, value)                                                                       \
    static void change_##field(struct p0f_host *host)                                              \
    {                                                                                              \
        host->field value;                                                                         \
    }

CHANGE(last_seen, = 1)
CHANGE(total_conn, = 1)
CHANGE(uptime_min, = 1)
CHANGE(first_seen, = 1)
CHANGE(up_mod_days, = 1)
CHANGE(last_nat, = 1)
CHANGE(last_chg, = 1)
CHANGE(distance, = 1)
CHANGE(bad_sw, = 1)
CHANGE(os_match_q, = 1)
CHANGE(os_name, [0] = 'a')
CHANGE(os_flavor, [0] = 'a')
CHANGE(http_name, [0] = 'a')
CHANGE(http_flavor, [0] = 'a')
CHANGE(link_type, [0] = 'a')
CHANGE(language, [31] = 'a')
CHANGE(link_mtu, = 1)
CHANGE(mtu, = 1)
CHANGE(mss, = 1)
CHANGE(version, = 1)
CHANGE(last_mtu, = 1)
CHANGE(last_freq, = 0.5)

static void change_whole_language(struct p0f_host *host)
{
    strcpy(host->language, "English");
}

static const enum p0f_dialect dialects[] = {P0F_DIALECT_AUTO, P0F_DIALECT_P0F3, P0F_DIALECT_MTU,
                                            P0F_DIALECT_MSS,  P0F_DIALECT_API2, P0F_DIALECT_SIG};

Test(written, a_visit_alone_does_not_make_it_due)
{
    for (size_t i = 0; i < sizeof dialects / sizeof dialects[0]; i++) {
        expect_change(dialects[i], change_last_seen, false);
        expect_change(dialects[i], change_total_conn, false);
        expect_change(dialects[i], change_uptime_min, false);
    }
}

Test(written, any_other_change_makes_it_due)
{
    static void (*const changes[])(struct p0f_host *) = {
        change_first_seen,    change_up_mod_days, change_last_nat,    change_last_chg,
        change_distance,      change_bad_sw,      change_os_match_q,  change_os_name,
        change_os_flavor,     change_http_name,   change_http_flavor, change_link_type,
        change_whole_language};

    for (size_t d = 0; d < sizeof dialects / sizeof dialects[0]; d++)
        for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++)
            expect_change(dialects[d], changes[i], true);
}

Test(written, extra_fields_count_in_their_dialect)
{
    expect_change(P0F_DIALECT_MTU, change_link_mtu, true);
    expect_change(P0F_DIALECT_MSS, change_mtu, true);
    expect_change(P0F_DIALECT_MSS, change_mss, true);
    expect_change(P0F_DIALECT_API2, change_version, true);
    expect_change(P0F_DIALECT_API2, change_last_mtu, true);
    expect_change(P0F_DIALECT_API2, change_last_freq, true);
    expect_change(P0F_DIALECT_P0F3, change_link_mtu, false);
    expect_change(P0F_DIALECT_P0F3, change_language, false); /* behind its NUL */
}

Test(written, each_sensor_and_each_address_is_written_for_itself)
{
    struct written *written = written_new(100, key);
    const struct p0f_host host = {.dialect = P0F_DIALECT_P0F3};
    const struct p0f_addr other = addr_of(7), v6 = {.type = 6, .bytes = {192, 0, 2, 1}};

    cr_assert(written_due(written, &addr, "a", &host, at_ms(0), INTERVAL));
    cr_assert(written_due(written, &addr, "b", &host, at_ms(0), INTERVAL));
    cr_assert(written_due(written, &addr, "", &host, at_ms(0), INTERVAL));
    cr_assert(written_due(written, &other, "a", &host, at_ms(0), INTERVAL));
    cr_assert(written_due(written, &v6, "a", &host, at_ms(0), INTERVAL));
    cr_assert_eq(written_count(written), 5);
    cr_assert_not(written_due(written, &addr, "a", &host, at_ms(1), INTERVAL));
    cr_assert_not(written_due(written, &v6, "a", &host, at_ms(1), INTERVAL));
    written_free(written);
}

Test(written, the_longest_names_are_told_apart)
{
    struct written *written = written_new(100, key);
    const struct p0f_host host = {.dialect = P0F_DIALECT_P0F3};
    char name[300];

    memset(name, 'a', sizeof name);
    name[sizeof name - 1] = '\0';
    cr_assert(written_due(written, &addr, name, &host, at_ms(0), INTERVAL), "no overflow");
    name[127] = '\0';
    name[126] = 'b';
    cr_assert(written_due(written, &addr, name, &host, at_ms(0), INTERVAL));
    written_free(written);
}

Test(written, what_is_forgotten_is_due_again)
{
    struct written *written = written_new(100, key);
    const struct p0f_host host = {.dialect = P0F_DIALECT_P0F3};

    written_forget(written, &addr, "a");
    cr_assert_eq(written_count(written), 0, "it was not there");
    cr_assert(is_due(written, &host, 0));
    written_forget(written, &addr, "b");
    cr_assert_not(is_due(written, &host, 1));
    written_forget(written, &addr, "a");
    cr_assert_eq(written_count(written), 0);
    cr_assert(is_due(written, &host, 2));
    cr_assert_eq(written_count(written), 1);
    written_free(written);
}

#define SMALLEST 16 /* slots of the smallest table, all in one set */

Test(written, a_full_table_forgets_what_was_written_first)
{
    struct written *written = written_new(0, key);
    const struct p0f_host host = {.dialect = P0F_DIALECT_P0F3};

    for (uint32_t i = 0; i <= SMALLEST; i++) {
        const struct p0f_addr numbered = addr_of(i);
        /* The first two in the other order. */
        cr_assert(written_due(written, &numbered, "a", &host, at_ms(i < 2 ? 1 - i : i), INTERVAL));
    }
    cr_assert_eq(written_count(written), SMALLEST);
    for (uint32_t i = 0; i <= SMALLEST; i++) {
        const struct p0f_addr numbered = addr_of(i);
        if (i != 1)
            cr_assert_not(
                written_due(written, &numbered, "a", &host, at_ms(SMALLEST + 1), INTERVAL), "%u",
                i);
    }
    const struct p0f_addr forgotten = addr_of(1);
    cr_assert(written_due(written, &forgotten, "a", &host, at_ms(SMALLEST + 1), INTERVAL));
    cr_assert_eq(written_count(written), SMALLEST);
    written_free(written);
}

Test(written, a_slot_that_is_free_is_taken_first)
{
    struct written *written = written_new(0, key);
    const struct p0f_host host = {.dialect = P0F_DIALECT_P0F3};
    struct p0f_addr numbered;

    for (uint32_t i = 0; i < SMALLEST; i++)
        numbered = addr_of(i), written_due(written, &numbered, "a", &host, at_ms(i), INTERVAL);
    numbered = addr_of(4);
    written_forget(written, &numbered, "a");
    numbered = addr_of(SMALLEST);
    cr_assert(written_due(written, &numbered, "a", &host, at_ms(SMALLEST + 1), INTERVAL));
    cr_assert_eq(written_count(written), SMALLEST);
    numbered = addr_of(0);
    cr_assert_not(written_due(written, &numbered, "a", &host, at_ms(SMALLEST + 1), INTERVAL));
    written_free(written);
}

/* Which of 128 hosts are remembered by a table of 64 slots: as a sum, which tells. */
static uint64_t remembered(struct hash_key by)
{
    struct written *written = written_new(32, by);
    const struct p0f_host host = {.dialect = P0F_DIALECT_P0F3};
    uint64_t sum = 0;

    for (uint32_t i = 0; i < 128; i++) {
        const struct p0f_addr numbered = addr_of(i);
        written_due(written, &numbered, "a", &host, at_ms(i), INTERVAL);
    }
    for (uint32_t i = 0; i < 128; i++) {
        const struct p0f_addr numbered = addr_of(i);
        uint32_t before = written_count(written);
        written_forget(written, &numbered, "a");
        sum = sum * 31 + before - written_count(written);
    }
    written_free(written);
    return sum;
}

Test(written, only_the_key_tells_who_shares_a_set)
{
    cr_assert_eq(remembered(key), remembered(key));
    cr_assert_neq(remembered(key), remembered((struct hash_key){1, 3}));
}

Test(written, nearly_as_many_as_it_is_for_are_remembered)
{
    const uint32_t hosts = 65536; /* with as few slots to spare as ever: 131072 */
    struct written *written = written_new(hosts, key);
    const struct p0f_host host = {.dialect = P0F_DIALECT_P0F3};
    uint32_t forgotten = 0;

    for (uint32_t i = 0; i < hosts; i++) {
        const struct p0f_addr numbered = addr_of(i);
        cr_assert(written_due(written, &numbered, "a", &host, at_ms(i), 10 * INTERVAL));
    }
    for (uint32_t i = 0; i < hosts; i++) {
        const struct p0f_addr numbered = addr_of(i);
        forgotten += written_due(written, &numbered, "a", &host, at_ms(hosts), 10 * INTERVAL);
    }
    cr_assert_lt(forgotten, hosts / 50, "%u", forgotten);
    written_free(written);
}

Test(written, null_can_be_freed)
{
    written_free(NULL);
}
