/* SPDX-License-Identifier: MIT */
/* The least that there can be of what the cache goes by. */
#include "recall_fixture.h"

static const struct hash_key secret = {UINT64_C(0x1122334455667788), 9};
static unsigned hashed;

static uint64_t keyed(const struct hash_key *key, const void *data, size_t length)
{
    cr_assert_eq(key->k0, secret.k0);
    cr_assert_eq(key->k1, secret.k1);
    cr_assert_eq(length, sizeof(struct p0f_addr));
    hashed++;
    return ((const struct p0f_addr *)data)->bytes[3];
}

Test(recall_edges, the_hash_is_keyed)
{
    struct recall *recall = recall_new(&(struct recall_options){2, 2, times, secret, keyed});

    put_host(recall, 1), put_host(recall, 2), put_miss(recall, 3);
    cr_assert_eq(kind(recall, 1), 'h');
    cr_assert_eq(kind(recall, 3), 'm');
    cr_assert_gt(hashed, 0);
    recall_free(recall);
}

Test(recall_edges, one_millisecond_is_a_time_to_live)
{
    struct recall *recall = new_recall(1, 1, NULL);

    recall_set_times(recall, &(struct recall_times){.ttl = 1, .negative_ttl = 1});
    cr_assert(put_host(recall, 1));
    cr_assert(put_miss(recall, 2));
    cr_assert_eq(look(recall, 1, 999999).state, RECALL_FRESH);
    cr_assert_eq(look(recall, 1, 1000000).state, RECALL_EXPIRED);
    cr_assert_eq(look(recall, 2, 999999).state, RECALL_FRESH);
    cr_assert_eq(look(recall, 2, 1000000).state, RECALL_EXPIRED);
    cr_assert(put_host(recall, 2));
    expect_counts(recall, 1, 0, 1, 0);
    recall_free(recall);
}

/* Nobody has claimed it yet, whatever the clock says, and it may say little. */
Test(recall_edges, a_refresh_can_be_claimed_as_soon_as_there_is_a_clock)
{
    for (int64_t ms = 500; ms < 5000; ms += 500) {
        struct recall *recall = new_recall(1, 1, NULL);
        struct p0f_addr at = addr(1);
        struct recall_hit hit;

        recall_set_times(recall,
                         &(struct recall_times){.ttl = 500, .stale_while_revalidate = 9000});
        put_os(recall, 1, "Linux", (struct boottime){0});
        cr_assert(recall_get(recall, &at, (struct boottime){ms * 1000000}, &hit));
        cr_assert_eq(hit.state, RECALL_STALE);
        cr_assert(hit.refresh, "at %d ms", (int)ms);
        host_record_unref(hit.record);
        recall_free(recall);
    }
}
