#include "config/snapshot.h"

#include <criterion/criterion.h>
#include <string.h>

Test(settings, keep_copies_in_their_order)
{
    struct settings *settings = settings_new();
    char value[] = "5m";

    cr_assert_eq(settings_count(settings), 0);
    settings_add(settings, "cache", "ttl", value);
    settings_add(settings, "p0f", "socket", "/x");
    strcpy(value, "9");
    cr_assert(settings_complete(settings));
    cr_assert_eq(settings_count(settings), 2);
    cr_assert_str_eq(settings_at(settings, 0)->section, "cache");
    cr_assert_str_eq(settings_at(settings, 0)->key, "ttl");
    cr_assert_str_eq(settings_at(settings, 0)->value, "5m");
    cr_assert_str_eq(settings_at(settings, 1)->value, "/x");
    settings_unref(settings);
}

Test(settings, last_as_long_as_somebody_has_them)
{
    struct settings *settings = settings_new();

    settings_add(settings, "p0f", "socket", "/x");
    cr_assert_eq(settings_ref(settings), settings);
    settings_unref(settings);
    cr_assert_str_eq(settings_at(settings, 0)->value, "/x"); /* the sanitizer knows if it is gone */
    settings_unref(settings);
    settings_unref(NULL);
}
