/* SPDX-License-Identifier: MIT */
#include "net/redis_url.h"

#include <criterion/criterion.h>
#include <string.h>

static void expect(const char *list, const char *shown)
{
    char text[200];

    redis_url_redact(span_of(list), text, sizeof text);
    cr_assert_str_eq(text, shown, "%s: %s", list, text);
}

static void expect_same(const char *list)
{
    expect(list, list);
}

Test(redis_url_redact, without_a_password)
{
    expect_same("");
    expect_same("redis://store");
    expect_same("redis://store:6379/2");
    expect_same("redis://[::1]:6379/2");
    expect_same("rediss://a:1, rediss://b:2,rediss://[::1]:3");
    expect_same("unix:/run/valkey.sock");
    expect_same("unix:/run/a:b?db=1");
    expect_same("unix:/run/a@b, unix:/c");
}

Test(redis_url_redact, with_a_password)
{
    expect("redis://:secret@store:1/2", "redis://:***@store:1/2");
    expect("redis://fleet:secret@store", "redis://fleet:***@store");
    expect("valkeys://fleet:se:cr@et@[::1]:1", "valkeys://fleet:***@[::1]:1");
    expect("redis://a:x@h, redis://:y@i,redis://j", "redis://a:***@h, redis://:***@i,redis://j");
    expect("unix://u:secret@/run/a?db=1", "unix://u:***@/run/a?db=1");
    expect("REDIS://:secret@store", "REDIS://:***@store");
}

/* Of what is no URL, everything is hidden that may be a password. */
Test(redis_url_redact, what_is_no_list)
{
    expect("redis://secret@store", "redis://***@store");
    expect("redis://:sec/ret@store", "redis://:***@store");
    expect("redis://:sec,ret@store", "redis://:***@store");
    expect("redis://:sec, ret@store, redis://b", "redis://:***@store, redis://b");
    expect("redis://:secret", "redis://:***");
    expect("redis://:12345", "redis://:***");
    expect("redis://fleet:secret", "redis://fleet:***");
    expect("redis://store:6379secret", "redis://store:***");
    expect("secret@store:6379", "***@store:6379");
    expect("fleet:secret@store:6379", "fleet:***@store:6379");
    expect("http://fleet:secret@store", "http://fleet:***@store");
    expect("unix:/run/a?password=secret", "unix:/run/a?***");
    expect("unix:/run/a?db=1&password=secret", "unix:/run/a?***");
    expect("redis://store?password=secret", "redis://store?***");
    expect("redis://store:1/2?password=secret", "redis://store:1/2?***");
    expect("\"redis://:secret@store\"", "\"redis://:***@store\"");
    expect("redis://a, store:6379", "redis://a, store:6379");
    expect("redis://[::1, :secret@", "redis://[:***@");
}

Test(redis_url_redact, room)
{
    char text[12];

    for (size_t size = 1; size <= sizeof text; size++) {
        memset(text, 'x', sizeof text);
        redis_url_redact(span_of("redis://:p@h"), text, size);
        cr_assert_eq(strlen(text), size - 1);
        cr_assert_eq(strncmp(text, "redis://:***@h", size - 1), 0);
    }
}
