/* SPDX-License-Identifier: MIT */
/* jansson does the parsing, and says where a syntax error is. It refuses \u0000, invalid UTF-8 and more
 * than 2048 levels of nesting. */
#include "json/batch_body.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BYTES_PER_ITEM 128
#define BYTES_BESIDES 4096

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
    if (count < 1 || count > max) {
        snprintf(error, BATCH_BODY_ERROR_SIZE, "expected 1 to %u items, got %zu", max, count);
        return false;
    }
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

/* Copies its text to `at`, and returns the end of that. */
static char *read_batch_item(struct batch_item *item, const json_t *value, char *at)
{
    size_t length = json_string_length(value);

    memcpy(at, json_string_value(value), length + 1);
    *item = (struct batch_item){.text = at, .length = length};
    item->error = p0f_addr_parse(item->text, item->length, &item->addr);
    return at + length + 1;
}

/* In one block, since jansson's values take several times as much memory. */
static struct batch_body *body_of(const json_t *root)
{
    size_t count = json_array_size(root);
    size_t size = sizeof(struct batch_body) + count * sizeof(struct batch_item);

    for (size_t i = 0; i < count; i++)
        size += json_string_length(json_array_get(root, i)) + 1;
    struct batch_body *body = malloc(size);
    if (!body)
        return NULL;
    body->size = size;
    body->count = (uint32_t)count;
    char *at = (char *)&body->items[count];
    for (size_t i = 0; i < count; i++)
        at = read_batch_item(&body->items[i], json_array_get(root, i), at);
    return body;
}

struct batch_body *batch_body_read(const char *bytes, size_t length, uint32_t max,
                                   char error[BATCH_BODY_ERROR_SIZE])
{
    error[0] = '\0';
    json_t *root = parse(bytes, length, error);
    struct batch_body *body = root && has_shape(root, max, error) ? body_of(root) : NULL;

    json_decref(root);
    return body;
}

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
