/* SPDX-License-Identifier: MIT */
#include "config/edit_distance.h"

#include <criterion/criterion.h>

static void expect(const char *typed, const char *name, unsigned distance)
{
    unsigned found = edit_distance(span_of(typed), span_of(name));

    cr_assert_eq(found, distance, "%s, %s: %u", typed, name, found);
}

Test(edit_distance, near)
{
    expect("ttl", "ttl", 0);
    expect("TTL", "ttl", 0);
    expect("max-hosts", "max_hosts", 0);
    expect("ttll", "ttl", 1);
    expect("tt", "ttl", 1);
    expect("tll", "ttl", 1);
    expect("htpp", "http", 1);
    expect("timeuot", "timeout", 1);
    expect("negtive_tl", "negative_ttl", 2);
}

Test(edit_distance, letters_left_out)
{
    expect("max_conns", "max_connections", 1);
    expect("sock", "socket", 1);
    expect("life", "stale_if_error", EDIT_DISTANCE_FAR);
    expect("tl", "stale_while", EDIT_DISTANCE_FAR);
}

Test(edit_distance, far)
{
    char letters[100];

    memset(letters, 'x', sizeof letters);
    letters[99] = '\0';
    expect("", "", 0);
    expect("", "ttl", EDIT_DISTANCE_FAR);
    expect("lifetime", "ttl", EDIT_DISTANCE_FAR);
    expect("port", "p0f", EDIT_DISTANCE_FAR);
    expect("expire", "ttl", EDIT_DISTANCE_FAR);
    expect(letters, letters, EDIT_DISTANCE_FAR);
    letters[48] = '\0';
    expect(letters, letters, 0);
}
