/* SPDX-License-Identifier: MIT */
#include "config/snapshot.h"

#include <criterion/criterion.h>
#include <string.h>

Test(snapshot, keep_copies_in_their_order)
{
    struct config_snapshot *snapshot = config_snapshot_new();
    char value[] = "5m";

    cr_assert_eq(config_snapshot_count(snapshot), 0);
    config_snapshot_add(snapshot, "cache", "ttl", value);
    config_snapshot_add(snapshot, "p0f", "socket", "/x");
    strcpy(value, "9");
    cr_assert(config_snapshot_complete(snapshot));
    cr_assert_eq(config_snapshot_count(snapshot), 2);
    cr_assert_str_eq(config_snapshot_at(snapshot, 0)->section, "cache");
    cr_assert_str_eq(config_snapshot_at(snapshot, 0)->key, "ttl");
    cr_assert_str_eq(config_snapshot_at(snapshot, 0)->value, "5m");
    cr_assert_str_eq(config_snapshot_at(snapshot, 1)->value, "/x");
    cr_assert_null(config_snapshot_at(snapshot, 1)->waiting);
    config_snapshot_unref(snapshot);
}

Test(snapshot, last_as_long_as_somebody_has_them)
{
    struct config_snapshot *snapshot = config_snapshot_new();

    config_snapshot_add(snapshot, "p0f", "socket", "/x");
    cr_assert_eq(config_snapshot_ref(snapshot), snapshot);
    config_snapshot_unref(snapshot);
    cr_assert_str_eq(config_snapshot_at(snapshot, 0)->value,
                     "/x"); /* the sanitizer knows if it is gone */
    config_snapshot_unref(snapshot);
    config_snapshot_unref(NULL);
}

Test(snapshot, what_waits_for_a_restart)
{
    struct config_snapshot *snapshot = config_snapshot_new();
    char waiting[] = "/y";

    config_snapshot_add(snapshot, "http", "socket", "/a");
    config_snapshot_add(snapshot, "p0f", "socket", "/x");
    config_snapshot_add_waiting(snapshot, "p0f", "socket", waiting);
    waiting[1] = 'z';
    cr_assert(config_snapshot_complete(snapshot));
    cr_assert_null(config_snapshot_at(snapshot, 0)->waiting);
    cr_assert_str_eq(config_snapshot_at(snapshot, 1)->value, "/x");
    cr_assert_str_eq(config_snapshot_at(snapshot, 1)->waiting, "/y");
    config_snapshot_unref(snapshot);
}
