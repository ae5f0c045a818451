/* SPDX-License-Identifier: MIT */
#include "http/cache_directives.h"

#include <criterion/criterion.h>

#define TAG "\"0123456789abcdef\""

static struct cache_directives read_fields(const char *first, const char *second)
{
    struct cache_directives directives = {.max_age_ms = -1};

    cache_directives_read(first, &directives);
    if (second)
        cache_directives_read(second, &directives);
    return directives;
}

static void expect_age(const char *field, int64_t max_age_ms)
{
    struct cache_directives directives = read_fields(field, NULL);

    cr_assert_eq(directives.max_age_ms, max_age_ms, "%s: %lld", field,
                 (long long)directives.max_age_ms);
    cr_assert_not(directives.only_if_cached, "%s", field);
}

Test(cache_directives, no_cache)
{
    expect_age("no-cache", 0);
    expect_age("No-CACHE", 0);
    expect_age(" \t,no-cache ,", 0);
    expect_age("no-cache=\"x\"", 0);
}

Test(cache_directives, max_age)
{
    expect_age("max-age=0", 0);
    expect_age("max-age=10", 10000);
    expect_age("MAX-age=10", 10000);
    expect_age("max-age=\"10\"", 10000);
    expect_age("max-age=2147483647", INT64_C(2147483647000));
    expect_age("max-age=2147483648", INT64_C(2147483647000));
    expect_age("max-age=99999999999999999999999999", INT64_C(2147483647000));
}

Test(cache_directives, only_if_cached)
{
    struct cache_directives directives = read_fields("Only-If-Cached", NULL);

    cr_assert(directives.only_if_cached);
    cr_assert_eq(directives.max_age_ms, -1);
}

Test(cache_directives, lists)
{
    struct cache_directives directives = read_fields("max-age=5, only-if-cached", NULL);

    cr_assert(directives.only_if_cached);
    cr_assert_eq(directives.max_age_ms, 5000);
    expect_age("no-store,,foo=bar ,max-age=5", 5000);
}

Test(cache_directives, strictest_age_counts)
{
    expect_age("max-age=5, max-age=7", 5000);
    expect_age("max-age=7, max-age=5", 5000);
    expect_age("no-cache, max-age=7", 0);
    expect_age("max-age=7, no-cache", 0);
}

Test(cache_directives, fields_add_up)
{
    struct cache_directives directives = read_fields("max-age=7", "only-if-cached, max-age=9");

    cr_assert(directives.only_if_cached);
    cr_assert_eq(directives.max_age_ms, 7000);
}

Test(cache_directives, garbage_is_ignored)
{
    const char *fields[] = {"",           ",",          " ",          "=",
                            "max-age",    "max-age=",   "max-age=x",  "max-age=-1",
                            "max-age=\"", "max-agee=1", "max",        "no-cachee",
                            "no-store",   "x=no-cache", "no cache",   "only-if-cache",
                            "\xff\x01",   "\"",         "x-max-age=3"};

    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        expect_age(fields[i], -1);
}

static void expect_named(const char *field, bool named)
{
    cr_assert_eq(etag_listed(field, TAG), named, "%s", field);
}

Test(cache_directives, etag_alone)
{
    expect_named(TAG, true);
    expect_named(" \t" TAG "\t ", true);
    expect_named("\"other\"", false);
    expect_named("\"\"", false);
    expect_named("\"0123456789abcdeF\"", false);
    expect_named("\"0123456789abcdef0\"", false);
}

Test(cache_directives, etag_in_a_list)
{
    expect_named("\"other\", " TAG, true);
    expect_named("\"a\",\"b\"," TAG ",\"c\"", true);
    expect_named(", ," TAG, true);
    expect_named("\"a,b\", " TAG, true);
    expect_named("\"a\", \"b\"", false);
}

Test(cache_directives, etag_weak)
{
    expect_named("W/" TAG, true);
    expect_named("W/\"other\", W/" TAG, true);
    expect_named("w/" TAG, false);
}

Test(cache_directives, etag_any)
{
    expect_named("*", true);
    expect_named(" * ", true);
    expect_named("**", false);
    expect_named("*, " TAG, false);
    expect_named("\"*\"", false);
}

Test(cache_directives, etag_malformed)
{
    expect_named("", false);
    expect_named(",", false);
    expect_named("W", false);
    expect_named("W/", false);
    expect_named("\"", false);
    expect_named("0123456789abcdef", false);
    expect_named("\"0123456789abcdef", false);
    expect_named("0123456789abcdef\"", false);
    expect_named("x, " TAG, false);
}
