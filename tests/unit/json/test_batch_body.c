/* SPDX-License-Identifier: MIT */
#include "json/batch_body.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "../../support/c/guard_page.h"

static char error[BATCH_BODY_ERROR_SIZE];

static struct batch_body *read_with(batch_body_reader *read, const char *bytes, size_t length)
{
    static uint8_t *end;

    if (!end)
        end = guard_page_end();
    memset(error, 'x', sizeof error);
    return read((const char *)guard_page_put(end, bytes, length), length, 3, error);
}

static struct batch_body *read_bytes(const char *bytes, size_t length)
{
    return read_with(batch_body_read_json, bytes, length);
}

static const struct batch_item *expect_items(const char *text, uint32_t expected,
                                             struct batch_body **body)
{
    uint32_t count;

    *body = read_bytes(text, strlen(text));
    cr_assert_not_null(*body, "%s: %s", text, error);
    const struct batch_item *items = batch_body_items(*body, &count);
    cr_assert_eq(count, expected, "%s: %u", text, count);
    return items;
}

static void expect_refused_bytes(const char *bytes, size_t length, const char *why)
{
    cr_assert_null(read_bytes(bytes, length), "%s", bytes);
    cr_assert_str_eq(error, why, "%s: %s", bytes, error);
}

static void expect_refused(const char *text, const char *why)
{
    expect_refused_bytes(text, strlen(text), why);
}

Test(batch_body, addresses_and_others_in_order)
{
    struct batch_body *body;
    const struct batch_item *items =
        expect_items(" [\"192.0.2.1\",\r\n\t\"nobody\", \"[2001:DB8::1]\"] ", 3, &body);

    cr_assert_str_eq(items[0].text, "192.0.2.1");
    cr_assert_eq(items[0].length, 9);
    cr_assert_eq(items[0].error, P0F_OK);
    cr_assert_arr_eq(&items[0].addr, (&(struct p0f_addr){4, {192, 0, 2, 1}}), 17);
    cr_assert_str_eq(items[1].text, "nobody");
    cr_assert_eq(items[1].error, P0F_ADDR_SYNTAX);
    cr_assert_str_eq(items[2].text, "[2001:DB8::1]", "as given, not as we would write it");
    cr_assert_eq(items[2].error, P0F_OK);
    cr_assert_eq(items[2].addr.type, 6);
    cr_assert_str_empty(error);
    batch_body_free(body);
}

Test(batch_body, any_text_is_an_item)
{
    struct batch_body *body;
    const struct batch_item *items =
        expect_items("[\"\", \"\\u0031.2.3.4\", \"\\\"\\u00e9\\u0001\xc3\xa9\"]", 3, &body);

    cr_assert_eq(items[0].length, 0);
    cr_assert_eq(items[0].error, P0F_ADDR_EMPTY);
    cr_assert_str_eq(items[1].text, "1.2.3.4");
    cr_assert_eq(items[1].error, P0F_OK);
    cr_assert_str_eq(items[2].text, "\"\xc3\xa9\x01\xc3\xa9");
    cr_assert_eq(items[2].length, 6);
    batch_body_free(body);
    expect_items("[\"1.2.3.4\", \"1.2.3.4\"]", 2, &body);
    batch_body_free(body);
}

Test(batch_body, a_long_text_is_kept_whole)
{
    char text[3000] = "[\"";
    struct batch_body *body;

    memset(text + 2, '1', sizeof text - 5);
    strcpy(text + sizeof text - 3, "\"]");
    const struct batch_item *items = expect_items(text, 1, &body);
    cr_assert_eq(items[0].length, sizeof text - 5);
    cr_assert_eq(items[0].error, P0F_ADDR_TOO_LONG);
    batch_body_free(body);
}

Test(batch_body, another_shape_is_refused)
{
    expect_refused("\"1.2.3.4\"", "expected an array of strings, got a string");
    expect_refused("{\"hosts\": []}", "expected an array of strings, got an object");
    expect_refused("null", "expected an array of strings, got null");
    expect_refused("[]", "expected 1 to 3 items, got 0");
    expect_refused("[\"a\", \"b\", \"c\", \"d\"]", "expected 1 to 3 items, got 4");
    expect_refused("[1, \"b\"]", "item 1 is a number, expected a string");
    expect_refused("[\"a\", \"b\", 1.5]", "item 3 is a number, expected a string");
    expect_refused("[\"a\", null]", "item 2 is null, expected a string");
    expect_refused("[\"a\", false]", "item 2 is a boolean, expected a string");
    expect_refused("[[\"a\"]]", "item 1 is an array, expected a string");
    expect_refused("[{}]", "item 1 is an object, expected a string");
}

Test(batch_body, what_is_no_json_is_refused_with_its_place)
{
    expect_refused("", "line 1, column 0: unexpected token near end of file");
    expect_refused("1.2.3.4\n", "line 1, column 4: end of file expected near '.'");
    expect_refused("[\"a\",\n \"b\" \"c\"]", "line 2, column 8: ']' expected near '\"c\"'");
    expect_refused("[\"a\",]", "line 1, column 6: unexpected token near ']'");
    expect_refused("[\"a\"", "line 1, column 4: ']' expected near end of file");
    expect_refused("[\"a\"] x", "line 1, column 7: end of file expected near 'x'");
    expect_refused("['a']", "line 1, column 2: invalid token near '''");
    expect_refused("[\"a\\q\"]", "line 1, column 5: invalid escape near '\"a\\q'");
    expect_refused("\xef\xbb\xbf[\"a\"]", "the body begins with a byte order mark (BOM)");
    expect_refused_bytes("\xff\xfe[\0", 4, "the body is UTF-16, expected UTF-8");
    expect_refused_bytes("\xfe\xff\0[", 4, "the body is UTF-16, expected UTF-8");
}

Test(batch_body, nul_and_what_is_not_utf8_are_refused)
{
    expect_refused("[\"1.2.3.4\\u0000\"]", "line 1, column 16: \\u0000 is not allowed");
    expect_refused_bytes("[\"a\0b\"]", 7, "line 1, column 3: control character 0x0 near '\"a'");
    expect_refused_bytes("[\"a\"]\0", 6, "line 1, column 6: end of file expected near end of file");
    expect_refused("[\"\xff\"]", "line 1, column 2: unable to decode byte 0xff near '\"'");
    expect_refused("[\"\xc0\xaf\"]", "line 1, column 2: unable to decode byte 0xc0 near '\"'");
    expect_refused("[\"\xed\xa0\x80\"]", "line 1, column 2: unable to decode byte 0xed near '\"'");
    expect_refused("[\"\\ud800\"]",
                   "line 1, column 9: invalid Unicode '\\uD800' near '\"\\ud800\"'");
}

Test(batch_body, nesting_is_bounded)
{
    static char deep[4001];

    memset(deep, '[', sizeof deep - 1);
    expect_refused(deep, "line 1, column 2049: maximum parsing depth reached near '['");
}

Test(batch_body, limit_holds_the_longest_addresses)
{
    const char *item = "    \"[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255]\",\r\n";

    cr_assert_geq(batch_body_limit(1000), 1000 * strlen(item) + 2);
    cr_assert_leq(batch_body_limit(1000), 256 * 1024);
    cr_assert_geq(batch_body_limit(UINT32_MAX), UINT32_MAX, "no overflow");
}

/* What is reckoned with when memory is shared out: at least what the items and their texts take. */
Test(batch_body, tells_its_size)
{
    struct batch_body *small, *large;

    expect_items("[\"a\"]", 1, &small);
    expect_items("[\"a\",\"0123456789\"]", 2, &large);
    cr_assert_geq(batch_body_size(small), sizeof(struct batch_item) + 2);
    cr_assert_eq(batch_body_size(large), batch_body_size(small) + sizeof(struct batch_item) + 11);
    batch_body_free(small);
    batch_body_free(large);
}

/* ---- Text */

/* Of the text, these are the items: `expected` ends with a NULL. */
static void expect_lines(const char *text, const char *const *expected)
{
    struct batch_body *body = read_with(batch_body_read_text, text, strlen(text));
    uint32_t count, wanted = 0;

    cr_assert_not_null(body, "%s: %s", text, error);
    cr_assert_str_empty(error);
    const struct batch_item *items = batch_body_items(body, &count);
    for (; expected[wanted]; wanted++) {
        cr_assert_lt(wanted, count, "%s: only %u", text, count);
        cr_assert_str_eq(items[wanted].text, expected[wanted], "%s", text);
        cr_assert_eq(items[wanted].length, strlen(expected[wanted]), "%s", text);
    }
    cr_assert_eq(count, wanted, "%s: %u", text, count);
    batch_body_free(body);
}

static void expect_text_refused(const char *bytes, size_t length, const char *why)
{
    cr_assert_null(read_with(batch_body_read_text, bytes, length), "%s", bytes);
    cr_assert_str_eq(error, why, "%s: %s", bytes, error);
}

Test(batch_body, lines_are_items)
{
    struct batch_body *body = read_with(batch_body_read_text, "192.0.2.1\nnobody\n::1\n", 21);
    uint32_t count;

    cr_assert_not_null(body, "%s", error);
    const struct batch_item *items = batch_body_items(body, &count);
    cr_assert_eq(count, 3);
    cr_assert_eq(items[0].error, P0F_OK);
    cr_assert_arr_eq(&items[0].addr, (&(struct p0f_addr){4, {192, 0, 2, 1}}), 17);
    cr_assert_eq(items[1].error, P0F_ADDR_SYNTAX);
    cr_assert_eq(items[2].addr.type, 6);
    cr_assert_geq(batch_body_size(body), 3 * sizeof *items + 21);
    batch_body_free(body);
}

Test(batch_body, ends_of_lines_and_what_surrounds_texts)
{
    const char *const two[] = {"a", "b", NULL}, *const one[] = {"a b", NULL};
    const char *texts[] = {"a\nb",
                           "a\nb\n",
                           "a\r\nb\r\n",
                           "a\rb\r",
                           "\n\n a\t\n\nb\n\n",
                           " \t\r\n\ta\r\n \nb ",
                           "\xef\xbb\xbf"
                           "a\nb\n",
                           "\xef\xbb\xbf\r\na\nb"};

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        expect_lines(texts[i], two);
    expect_lines("a b", one);
    expect_lines("\r\ta b", one);
}

Test(batch_body, only_the_first_byte_order_mark_is_skipped)
{
    const char *const expected[] = {"\xef\xbb\xbf"
                                    "a",
                                    "\xef\xbb\xbf", NULL};

    expect_lines("\xef\xbb\xbf\xef\xbb\xbf"
                 "a\n\xef\xbb\xbf",
                 expected);
}

Test(batch_body, text_without_lines_or_with_too_many)
{
    const char *texts[] = {"", "\n", "\r\n\r\n", " \t \n\t", "\xef\xbb\xbf", "\xef\xbb\xbf\n"};

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        expect_text_refused(texts[i], strlen(texts[i]), "expected 1 to 3 items, got 0");
    expect_text_refused("a\nb\n\nc\nd", 8, "expected 1 to 3 items, got 4");
    expect_text_refused("a\nb\nc\nd\ne", 9, "expected 1 to 3 items, got 5");
}

Test(batch_body, a_long_line_is_an_item)
{
    static char text[4001];
    struct batch_body *body;
    uint32_t count;

    memset(text, '1', sizeof text);
    text[2000] = '\n';
    body = read_with(batch_body_read_text, text, sizeof text);
    cr_assert_not_null(body, "%s", error);
    const struct batch_item *items = batch_body_items(body, &count);
    cr_assert_eq(count, 2);
    cr_assert_eq(items[0].length, 2000);
    cr_assert_eq(items[1].length, 2000);
    cr_assert_eq(items[1].error, P0F_ADDR_TOO_LONG);
    batch_body_free(body);
}

Test(batch_body, what_is_no_text_is_refused_with_its_line)
{
    expect_text_refused("a\0", 2, "line 1: NUL byte");
    expect_text_refused("a\r\n\r\nb\rc\0d", 10, "line 4: NUL byte");
    expect_text_refused("a\n\n\xe9", 4, "line 3: not UTF-8");
    expect_text_refused("\xff\xfe"
                        "1\0",
                        4, "the body is UTF-16, expected UTF-8");
    expect_text_refused("\xfe\xff\0"
                        "1",
                        4, "the body is UTF-16, expected UTF-8");
    expect_text_refused("\xff\xfe", 2, "the body is UTF-16, expected UTF-8");
    expect_text_refused("\xff", 1, "line 1: not UTF-8");
}
