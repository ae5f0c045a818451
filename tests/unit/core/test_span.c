/* SPDX-License-Identifier: MIT */
#include "core/span.h"

#include <criterion/criterion.h>
#include <stdio.h>

#include "../../support/c/guard_page.h"

/* The text of a span that ends where nothing can be read. */
static struct span guarded(const char *text)
{
    static uint8_t *end;

    if (!end)
        end = guard_page_end();
    return (struct span){(const char *)guard_page_put(end, text, strlen(text)), strlen(text)};
}

static void expect(struct span span, const char *text)
{
    cr_assert(span_equals(span, text), "%.*s is not %s", (int)span.length, span.at, text);
}

Test(span, of_a_string)
{
    expect(span_of("abc"), "abc");
    expect(span_of(""), "");
}

Test(span, equals_as_a_whole)
{
    cr_assert(span_equals(guarded("abc"), "abc"));
    cr_assert_not(span_equals(guarded("abc"), "abcd"));
    cr_assert_not(span_equals(guarded("abc"), "ab"));
    cr_assert_not(span_equals(guarded("abc"), "abC"));
    cr_assert_not(span_equals((struct span){"ab\0c", 4}, "ab"));
    cr_assert(span_equals_nocase(guarded("aBc"), "AbC"));
    cr_assert_not(span_equals_nocase(guarded("abc"), "abd"));
    cr_assert_not(span_equals_nocase(guarded("abc"), "abcd"));
    cr_assert_not(span_equals_nocase(guarded("abc"), "ab"));
}

Test(span, skips_a_prefix)
{
    struct span span = guarded("/host/x");

    cr_assert_not(span_skip(&span, "/Host/"));
    cr_assert_not(span_skip(&span, "/host/xy"));
    expect(span, "/host/x");
    cr_assert(span_skip(&span, "/host/"));
    expect(span, "x");
    cr_assert(span_skip(&span, "x"));
    cr_assert_not(span_skip(&span, "x"));
    cr_assert(span_skip(&span, ""));
    expect(span, "");
}

Test(span, skips_a_prefix_in_any_case)
{
    struct span span = guarded("hTTp://");

    cr_assert_not(span_skip_nocase(&span, "https://"));
    cr_assert_not(span_skip_nocase(&span, "http:///"));
    expect(span, "hTTp://");
    cr_assert(span_skip_nocase(&span, "Http://"));
    expect(span, "");
}

Test(span, splits_at_the_first_mark)
{
    struct span rest = guarded("a=b=c");

    expect(span_split(&rest, '='), "a");
    expect(rest, "b=c");
    expect(span_split(&rest, '&'), "b=c");
    expect(rest, "");
    expect(span_split(&rest, '&'), "");
    rest = guarded("a=");
    expect(span_split(&rest, '='), "a");
    expect(rest, "");
    rest = (struct span){NULL, 0};
    cr_assert_eq(span_split(&rest, '=').length, 0);
}

Test(span, trims_spaces_and_tabs_only)
{
    expect(span_trim(guarded(" \t a b\t ")), "a b");
    expect(span_trim(guarded(" \t ")), "");
    expect(span_trim(guarded("")), "");
    expect(span_trim(guarded("\na\r")), "\na\r");
}

static void expect_items(const char *text, const char *items)
{
    struct span list = guarded(text), item;
    char joined[64] = "";

    while (span_next_item(&list, &item))
        snprintf(joined + strlen(joined), sizeof joined - strlen(joined), "%.*s;", (int)item.length,
                 item.at);
    cr_assert_str_eq(joined, items, "%s: %s", text, joined);
    cr_assert_null(list.at);
}

Test(span, items_of_a_list)
{
    expect_items("a", "a;");
    expect_items("a,b", "a;b;");
    expect_items(" a\t,\t b c ", "a;b c;");
    expect_items("", ";");
    expect_items(",", ";;");
    expect_items("a,", "a;;");
    expect_items(",a", ";a;");
    expect_items("a, ,b", "a;;b;");
}
