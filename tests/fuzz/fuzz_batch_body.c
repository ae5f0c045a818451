/* SPDX-License-Identifier: MIT */
/* Any bytes are a body, of JSON or text: it is read without reading beyond its end, and is either 1 to 8
 * items, each UTF-8 without a NUL that comes out of a response as it went in, or refused with a reason. */
#include "json/batch_body.h"
#include "json/render.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define MOST 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int holds)
{
    if (!holds)
        abort();
}

static struct render_result result_of(const struct batch_item *item)
{
    return (struct render_result){.query = item->text,
                                  .query_length = item->length,
                                  .status = 400,
                                  .code = "c",
                                  .detail = p0f_strerror(item->error)};
}

static char *render(const struct batch_item *items, uint32_t count, enum render_results form,
                    size_t *length)
{
    *length = strlen(render_results_end(form));
    for (uint32_t i = 0; i < count; i++) {
        const struct render_result result = result_of(&items[i]);
        *length += render_result_length(&result);
    }
    char *text = malloc(*length + 1), *at = text;
    for (uint32_t i = 0; i < count; i++) {
        const struct render_result result = result_of(&items[i]);
        at = render_result(at, &result, form, i == 0);
    }
    strcpy(at, render_results_end(form));
    check(strlen(text) == *length);
    return text;
}

static void check_query(const json_t *result, const struct batch_item *item)
{
    const json_t *query = json_object_get(result, "query");

    check(strlen(item->text) == item->length);
    check(json_string_length(query) == item->length);
    check(memcmp(json_string_value(query), item->text, item->length) == 0);
    check(item->error != P0F_OK || item->addr.type == 4 || item->addr.type == 6);
}

static void check_array(const struct batch_item *items, uint32_t count)
{
    size_t length;
    char *text = render(items, count, RENDER_RESULTS_ARRAY, &length);
    json_t *results = json_loadb(text, length, 0, NULL);

    check(json_array_size(results) == count);
    for (uint32_t i = 0; i < count; i++)
        check_query(json_array_get(results, i), &items[i]);
    json_decref(results);
    free(text);
}

static void check_lines(const struct batch_item *items, uint32_t count)
{
    size_t length;
    char *text = render(items, count, RENDER_RESULTS_LINES, &length), *line = text;

    for (uint32_t i = 0; i < count; i++) {
        char *end = strchr(line, '\n');
        check(end != NULL);
        json_t *result = json_loadb(line, (size_t)(end - line), 0, NULL);
        check_query(result, &items[i]);
        json_decref(result);
        line = end + 1;
    }
    check(line == text + length);
    free(text);
}

static void check_reader(batch_body_reader *read, const uint8_t *data, size_t size)
{
    char error[BATCH_BODY_ERROR_SIZE];
    struct batch_body *body = read((const char *)data, size, MOST, error);
    uint32_t count;

    check(memchr(error, '\0', sizeof error) != NULL);
    check(!body == (error[0] != '\0'));
    if (!body)
        return;
    const struct batch_item *items = batch_body_items(body, &count);
    check(count >= 1 && count <= MOST);
    check_array(items, count);
    check_lines(items, count);
    for (uint32_t i = 0; read == batch_body_read_text && i < count; i++)
        check(!strpbrk(items[i].text, "\r\n") && items[i].length > 0);
    batch_body_free(body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_reader(batch_body_read_json, data, size);
    check_reader(batch_body_read_text, data, size);
    return 0;
}
