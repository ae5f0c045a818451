/* SPDX-License-Identifier: MIT */
#include "recall_fixture.h"

/* The state changes from `before` to `after` exactly `ms` after the start. */
static void expect_change(struct recall *recall, unsigned number, int64_t ms,
                          enum recall_state before, enum recall_state after)
{
    cr_assert_eq(look(recall, number, ms * 1000000 - 1).state, before, "before %d ms", (int)ms);
    cr_assert_eq(look(recall, number, ms * 1000000).state, after, "at %d ms", (int)ms);
}

Test(recall, each_kind_ages_by_its_own_times)
{
    struct recall *recall = new_recall(10, 10, NULL);

    cr_assert(put_host(recall, 1) && put_os(recall, 2, "", start) && put_miss(recall, 3));
    for (unsigned i = 1; i <= 3; i++)
        cr_assert_eq(look(recall, i, 0).state, RECALL_FRESH);
    expect_change(recall, 1, 10000, RECALL_FRESH, RECALL_STALE);
    expect_change(recall, 1, 15000, RECALL_STALE, RECALL_LAPSED);
    expect_change(recall, 1, 30000, RECALL_LAPSED, RECALL_EXPIRED);
    expect_change(recall, 2, 2000, RECALL_FRESH, RECALL_STALE);
    expect_change(recall, 2, 7000, RECALL_STALE, RECALL_LAPSED);
    expect_change(recall, 2, 22000, RECALL_LAPSED, RECALL_EXPIRED);
    expect_change(recall, 3, 1000, RECALL_FRESH, RECALL_EXPIRED);
    cr_assert_null(look(recall, 1, 30000 * INT64_C(1000000)).record);
    cr_assert_eq(look(recall, 4, 0).state, RECALL_ABSENT);
    cr_assert_eq(look(recall, 1, 0).times.ttl, 10000);
    cr_assert_eq(look(recall, 2, 0).times.ttl, 2000);
    cr_assert_eq(look(recall, 3, 0).times.ttl, 1000);
    cr_assert_eq(look(recall, 1, 77).answered.ns, start.ns);
    recall_free(recall);
}

Test(recall, new_times_hold_for_what_is_stored)
{
    struct recall *recall = new_recall(10, 10, NULL);

    put_host(recall, 1);
    recall_set_times(recall, &(struct recall_times){.ttl = 3000});
    cr_assert_eq(recall_times(recall).ttl, 3000);
    expect_change(recall, 1, 3000, RECALL_FRESH, RECALL_EXPIRED);
    recall_set_times(recall, &(struct recall_times){.stale_if_error = 9000});
    cr_assert_eq(kind(recall, 1), '-');
    recall_free(recall);
}

Test(recall, ttl_zero_keeps_nothing_and_forgets)
{
    struct recall *recall = new_recall(10, 10, NULL);

    put_host(recall, 1), put_miss(recall, 2), put_host(recall, 3);
    recall_set_times(recall, &(struct recall_times){.incomplete_ttl = 1000});
    cr_assert_not(put_host(recall, 1));
    cr_assert_not(put_miss(recall, 2));
    cr_assert_not(put_miss(recall, 3));
    cr_assert_not(put_os(recall, 4, "", start));
    expect_counts(recall, 0, 0, 0, 0);
    recall_free(recall);
}

/* What is complete is not to be forgotten sooner than what is not. */
Test(recall, an_incomplete_host_is_kept_no_longer_than_a_complete_one)
{
    struct recall *recall = new_recall(10, 10, NULL);

    put_os(recall, 1, "", start);
    recall_set_times(recall, &(struct recall_times){.ttl = 3000, .incomplete_ttl = 9000});
    cr_assert_eq(recall_times(recall).incomplete_ttl, 3000);
    cr_assert_eq(look(recall, 1, 0).times.ttl, 3000);
    expect_change(recall, 1, 3000, RECALL_FRESH, RECALL_EXPIRED);
    recall_free(recall);
}

static bool servable(const struct recall *recall, int64_t ms)
{
    return recall_has_servable(recall, boottime_add_ms(start, ms));
}

Test(recall, has_what_it_could_serve_without_p0f)
{
    struct recall *recall = new_recall(10, 10, NULL);

    cr_assert_not(servable(recall, 0));
    put_miss(recall, 1);
    cr_assert_not(servable(recall, 0), "a \"no match\" is no host");
    put_os(recall, 2, "", start);
    cr_assert(servable(recall, 2000 + 20000 - 1));
    cr_assert_not(servable(recall, 2000 + 20000));
    put_host(recall, 3);
    cr_assert(servable(recall, 10000 + 20000 - 1));
    cr_assert_not(servable(recall, 10000 + 20000));
    put_os(recall, 4, "Linux", boottime_add_ms(start, 7));
    cr_assert(servable(recall, 10000 + 20000));
    recall_set_times(recall, &(struct recall_times){.ttl = 5, .stale_while_revalidate = 10});
    cr_assert(servable(recall, 7 + 5 + 10 - 1));
    cr_assert_not(servable(recall, 7 + 5 + 10));
    recall_set_times(recall, &(struct recall_times){.stale_if_error = 1000});
    cr_assert_not(servable(recall, 0), "a ttl of 0 keeps nothing");
    recall_free(recall);
}

Test(recall, has_nothing_once_p0f_knows_nothing)
{
    struct recall *recall = new_recall(10, 10, NULL);

    put_host(recall, 1);
    cr_assert(servable(recall, 0));
    put_miss(recall, 1);
    cr_assert_not(servable(recall, 0));
    recall_free(recall);
}

Test(recall, refresh_is_claimed_once_a_second)
{
    struct recall *recall = new_recall(5, 5, NULL);
    int64_t second = 1000000000;

    put_host(recall, 1);
    cr_assert_not(look(recall, 1, 10 * second - 1).refresh);
    for (int64_t at = 10 * second; at < 15 * second; at += second) {
        cr_assert(look(recall, 1, at).refresh);
        cr_assert_not(look(recall, 1, at).refresh);
        cr_assert_not(look(recall, 1, at + second - 1).refresh);
    }
    cr_assert_not(look(recall, 1, 15 * second).refresh); /* lapsed */
    recall_free(recall);
}

Test(recall, an_address_is_in_one_store_only)
{
    struct recall *recall = new_recall(10, 10, NULL);

    for (int i = 0; i < 50; i++) {
        cr_assert(put_host(recall, 1));
        expect_counts(recall, 1, 0, 0, 0);
        cr_assert_eq(kind(recall, 1), 'h');
        cr_assert(put_miss(recall, 1));
        expect_counts(recall, 0, 1, 0, 0);
        cr_assert_eq(kind(recall, 1), 'm');
    }
    recall_free(recall);
}

/* AddressSanitizer tells when a reference is given back twice, or never. */
Test(recall, answers_live_as_long_as_they_are_held)
{
    struct recall *recall = new_recall(1, 1, NULL);
    struct p0f_addr at = addr(1);
    struct recall_hit hit, again;

    put_host(recall, 1);
    cr_assert(recall_get(recall, &at, start, &hit));
    put_os(recall, 1, "Windows", start); /* replaced */
    cr_assert(recall_get(recall, &at, start, &again));
    put_host(recall, 2), put_host(recall, 3); /* evicted */
    cr_assert_eq(kind(recall, 1), '-');
    recall_free(recall);
    cr_assert_str_eq(host_record_host(hit.record)->os_name, "Linux");
    cr_assert_str_eq(host_record_host(again.record)->os_name, "Windows");
    host_record_unref(hit.record);
    host_record_unref(again.record);
    recall_free(NULL);
}
