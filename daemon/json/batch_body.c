/* SPDX-License-Identifier: MIT */
/* jansson does the parsing, and says where a syntax error is. It refuses \u0000, invalid UTF-8 and more
 * than 2048 levels of nesting. */
#include "json/batch_body.h"

#include "core/span.h"
#include "core/utf8.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BYTES_PER_ITEM 128
#define BYTES_BESIDES 4096
#define BYTE_ORDER_MARK "\xef\xbb\xbf"

struct batch_body {
    size_t size; /* of everything, including the texts that follow the items */
    uint32_t count;
    struct batch_item items[];
};

/* Out of memory, jansson can report a syntax error, or silently lose a byte of a string: an address
 * that nobody asked for. */
static _Thread_local bool out_of_memory;

static void *allocate(size_t size)
{
    void *memory = malloc(size);

    out_of_memory = out_of_memory || !memory;
    return memory;
}

void batch_body_init(void)
{
    json_set_alloc_funcs(allocate, free);
}

size_t batch_body_limit(uint32_t max)
{
    return BYTES_BESIDES + (size_t)max * BYTES_PER_ITEM;
}

static bool begins_with(const char *bytes, size_t length, const char *mark)
{
    return length >= strlen(mark) && memcmp(bytes, mark, strlen(mark)) == 0;
}

static bool is_utf16(const char *bytes, size_t length, char error[BATCH_BODY_ERROR_SIZE])
{
    if (!begins_with(bytes, length, "\xff\xfe") && !begins_with(bytes, length, "\xfe\xff"))
        return false;
    snprintf(error, BATCH_BODY_ERROR_SIZE, "the body is UTF-16, expected UTF-8");
    return true;
}

static bool has_count(size_t count, uint32_t max, char error[BATCH_BODY_ERROR_SIZE])
{
    if (count >= 1 && count <= max)
        return true;
    snprintf(error, BATCH_BODY_ERROR_SIZE, "expected 1 to %u items, got %zu", max, count);
    return false;
}

/* In one block with `text_size` bytes of texts. NULL when out of memory. */
static struct batch_body *batch_body_new(size_t count, size_t text_size)
{
    size_t size = sizeof(struct batch_body) + count * sizeof(struct batch_item) + text_size;
    struct batch_body *body = malloc(size);

    if (!body)
        return NULL;
    body->size = size;
    body->count = (uint32_t)count;
    return body;
}

/* Where the texts begin. */
static char *batch_body_texts(struct batch_body *body)
{
    return (char *)&body->items[body->count];
}

/* Copies its text to `at`, and returns the end of that. */
static char *read_batch_item(struct batch_item *item, const char *text, size_t length, char *at)
{
    memcpy(at, text, length);
    at[length] = '\0';
    *item = (struct batch_item){.text = at, .length = length};
    item->error = p0f_addr_parse(item->text, item->length, &item->addr);
    return at + length + 1;
}

/* ---- JSON */

static const char *kind_of(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "an array";
    case JSON_STRING:
        return "a string";
    case JSON_INTEGER:
    case JSON_REAL:
        return "a number";
    case JSON_TRUE:
    case JSON_FALSE:
        return "a boolean";
    case JSON_NULL:
        return "null";
    }
    return "something else";
}

/* NULL on a syntax error, or out of memory. */
static json_t *parse(const char *bytes, size_t length, char error[BATCH_BODY_ERROR_SIZE])
{
    json_error_t where;

    if (is_utf16(bytes, length, error))
        return NULL;
    if (begins_with(bytes, length, BYTE_ORDER_MARK)) {
        snprintf(error, BATCH_BODY_ERROR_SIZE, "the body begins with a byte order mark (BOM)");
        return NULL;
    }
    out_of_memory = false;
    json_t *root = json_loadb(bytes, length, JSON_DECODE_ANY, &where);
    if (root && !out_of_memory)
        return root;
    json_decref(root);
    if (out_of_memory)
        return NULL;
    snprintf(error, BATCH_BODY_ERROR_SIZE, "line %d, column %d: %s", where.line, where.column,
             json_error_code(&where) == json_error_null_character ? "\\u0000 is not allowed"
                                                                  : where.text);
    return NULL;
}

/* Whether it is an array of 1 to `max` strings. */
static bool has_shape(const json_t *root, uint32_t max, char error[BATCH_BODY_ERROR_SIZE])
{
    size_t count = json_array_size(root);

    if (!json_is_array(root)) {
        snprintf(error, BATCH_BODY_ERROR_SIZE, "expected an array of strings, got %s",
                 kind_of(root));
        return false;
    }
    if (!has_count(count, max, error))
        return false;
    for (size_t i = 0; i < count; i++) {
        const json_t *value = json_array_get(root, i);
        if (json_is_string(value))
            continue;
        snprintf(error, BATCH_BODY_ERROR_SIZE, "item %zu is %s, expected a string", i + 1,
                 kind_of(value));
        return false;
    }
    return true;
}

/* A copy, since jansson's values take several times as much memory. */
static struct batch_body *body_of(const json_t *root)
{
    size_t count = json_array_size(root), text_size = 0;

    for (size_t i = 0; i < count; i++)
        text_size += json_string_length(json_array_get(root, i)) + 1;
    struct batch_body *body = batch_body_new(count, text_size);
    if (!body)
        return NULL;
    char *at = batch_body_texts(body);
    for (size_t i = 0; i < count; i++) {
        const json_t *value = json_array_get(root, i);
        at = read_batch_item(&body->items[i], json_string_value(value), json_string_length(value),
                             at);
    }
    return body;
}

struct batch_body *batch_body_read_json(const char *bytes, size_t length, uint32_t max,
                                        char error[BATCH_BODY_ERROR_SIZE])
{
    error[0] = '\0';
    json_t *root = parse(bytes, length, error);
    struct batch_body *body = root && has_shape(root, max, error) ? body_of(root) : NULL;

    json_decref(root);
    return body;
}

/* ---- Text */

/* Splits off the next line that is not blank, and trims it. False if there is none. */
static bool split_line(struct span *rest, struct span *line)
{
    while (rest->length > 0) {
        size_t length = 0;
        while (length < rest->length && rest->at[length] != '\n' && rest->at[length] != '\r')
            length++;
        *line = span_trim((struct span){rest->at, length});
        *rest = span_from(*rest, length < rest->length ? length + 1 : length);
        if (line->length > 0)
            return true;
    }
    return false;
}

/* The number, counted from 1, of the line that contains `at`. */
static size_t line_number(const char *bytes, const char *at)
{
    size_t number = 1;

    for (; bytes < at; bytes++)
        number += bytes[0] == '\n' || (bytes[0] == '\r' && bytes[1] != '\n');
    return number;
}

/* False when a line is not UTF-8; then `at` is that line. */
static bool read_lines(struct batch_body *body, struct span text, const char **at)
{
    char *copy = batch_body_texts(body);
    struct span line;

    for (uint32_t i = 0; split_line(&text, &line); i++) {
        copy = read_batch_item(&body->items[i], line.at, line.length, copy);
        *at = line.at;
        if (!utf8_valid(body->items[i].text))
            return false;
    }
    return true;
}

struct batch_body *batch_body_read_text(const char *bytes, size_t length, uint32_t max,
                                        char error[BATCH_BODY_ERROR_SIZE])
{
    struct span text = {bytes, length}, rest, line;
    size_t count = 0, text_size = 0;
    const char *at = memchr(bytes, '\0', length);

    error[0] = '\0';
    if (is_utf16(bytes, length, error))
        return NULL;
    if (at) {
        snprintf(error, BATCH_BODY_ERROR_SIZE, "line %zu: NUL byte", line_number(bytes, at));
        return NULL;
    }
    if (begins_with(bytes, length, BYTE_ORDER_MARK))
        text = span_from(text, strlen(BYTE_ORDER_MARK));
    for (rest = text; split_line(&rest, &line); count++)
        text_size += line.length + 1;
    struct batch_body *body =
        has_count(count, max, error) ? batch_body_new(count, text_size) : NULL;
    if (!body || read_lines(body, text, &at))
        return body;
    snprintf(error, BATCH_BODY_ERROR_SIZE, "line %zu: not UTF-8", line_number(bytes, at));
    batch_body_free(body);
    return NULL;
}

/* ---- Both */

void batch_body_free(struct batch_body *body)
{
    free(body);
}

size_t batch_body_size(const struct batch_body *body)
{
    return body->size;
}

const struct batch_item *batch_body_items(const struct batch_body *body, uint32_t *count)
{
    *count = body->count;
    return body->items;
}
