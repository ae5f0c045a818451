/* SPDX-License-Identifier: MIT */
#include "config/option_search.h"

#include <criterion/criterion.h>

static void expect(const char *section, const char *key, const char *section_meant,
                   const char *key_meant)
{
    const struct option *option = option_nearest(span_of(section), span_of(key));

    cr_assert_not_null(option, "%s.%s", section, key);
    cr_assert_str_eq(option->section, section_meant, "%s.%s: %s.%s", section, key, option->section,
                     option->key);
    cr_assert_str_eq(option->key, key_meant, "%s.%s: %s.%s", section, key, option->section,
                     option->key);
}

Test(option_search, by_name)
{
    cr_assert_str_eq(option_find(span_of("cache"), span_of("ttl"))->key, "ttl");
    cr_assert_null(option_find(span_of("p0f"), span_of("ttl")));
    cr_assert_null(option_find(span_of("cache"), span_of("TTL")));
    cr_assert(option_section_exists(span_of("p0f")));
    cr_assert_not(option_section_exists(span_of("p0")));
}

Test(option_search, nearest)
{
    expect("cache", "ttll", "cache", "ttl");
    expect("cache", "timeout", "p0f", "timeout");
    expect("http", "timeout", "p0f", "timeout");
    expect("http", "idle-timeout", "http", "idle_timeout");
    expect("http", "max_conns", "http", "max_connections");
    expect("p0f", "conections", "p0f", "connections");
    expect("http", "itimeout", "http", "idle_timeout");
    expect("p0f", "itimeout", "p0f", "timeout");
    expect("cache", "max_h", "cache", "max_hosts");
    expect("", "ttl", "cache", "ttl");
    expect("htp", "listen", "http", "listen");
    expect("rely", "listen", "relay", "listen");
    expect("rely", "max_connections", "relay", "max_connections");
    expect("cache", "max_connections", "http", "max_connections");
    expect("http", "port", "http", "listen");
    expect("http", "workers", "http", "threads");
    cr_assert_null(option_nearest(span_of("http"), span_of("root")));
    cr_assert_null(option_nearest(span_of("http"), span_of("")));
}

Test(option_search, nearest_section)
{
    cr_assert_str_eq(option_nearest_section(span_of("HTTP")), "http");
    cr_assert_str_eq(option_nearest_section(span_of(" cahce ")), "cache");
    cr_assert_str_eq(option_nearest_section(span_of("pof")), "p0f");
    cr_assert_null(option_nearest_section(span_of("tls")));
}
