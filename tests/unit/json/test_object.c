/* SPDX-License-Identifier: MIT */
#include "json/object.h"

#include "../../support/c/jansson_memory.h"

#include <stdio.h>

static void expect_text(const char *bytes, const char *expected)
{
    json_t *text = object_text(bytes);

    cr_assert_str_eq(json_string_value(text), expected, "\"%s\"", json_string_value(text));
    json_decref(text);
}

static void expect_line(json_t *root, const char *expected)
{
    size_t length = 0;
    char *line = object_line(root, &length);

    cr_assert_str_eq(line, expected, "%s", line);
    cr_assert_eq(length, strlen(expected));
    free(line);
}

Test(object, texts_are_utf8)
{
    char bytes[8192 + 1], expected[8192 + 1];

    expect_text("", "");
    expect_text("caf\xc3\xa9", "caf\xc3\xa9");
    expect_text("caf\xe9", "caf\xc3\xa9");
    memset(bytes, '\xe9', sizeof bytes - 1);
    bytes[sizeof bytes - 1] = '\0';
    for (size_t i = 0; i < 4095; i++)
        memcpy(expected + 2 * i, "\xc3\xa9", 3);
    expect_text(bytes, expected);
    memset(bytes, 'x', sizeof bytes - 1);
    expect_text(bytes, bytes);
}

Test(object, members_keep_their_order)
{
    json_t *object = json_object();

    object_add(&object, "b", json_integer(1));
    object_add(&object, "a", object_text("\""));
    expect_line(object, "{\"b\":1,\"a\":\"\\\"\"}\n");
}

/* Around the length at which it is written a second time. */
Test(object, lines_of_any_length)
{
    char text[2100], expected[2200];

    for (size_t length = 2030; length < sizeof text; length++) {
        json_t *object = json_object();

        memset(text, 'x', length);
        text[length] = '\0';
        object_add(&object, "t", json_string(text));
        sprintf(expected, "{\"t\":\"%s\"}\n", text);
        expect_line(object, expected);
    }
}

Test(object, a_missing_part_makes_the_whole_null)
{
    json_t *object = json_object();
    size_t length = 1;

    object_add(&object, "good", json_true());
    object_add(&object, "missing", NULL);
    cr_assert_null(object);
    object_add(&object, "late", json_integer(7));
    cr_assert_null(object);
    cr_assert_null(object_line(object, &length));
    cr_assert_eq(length, 1);
}

static char *make_document(const void *text)
{
    json_t *inner = json_object(), *outer = json_object();
    size_t length;

    object_add(&inner, "a", object_text(text));
    object_add(&inner, "b", json_integer(2));
    object_add(&outer, "c", inner);
    object_add(&outer, "d", object_text("e"));
    return object_line(outer, &length);
}

Test(object, without_memory_is_null_and_leaks_nothing)
{
    jansson_starve(make_document, "caf\xe9");
}
