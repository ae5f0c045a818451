/* SPDX-License-Identifier: MIT */
/* Any bytes are a body: it is read without reading beyond its end, and is either 1 to 8 items, each
 * UTF-8 without a NUL in it that goes into an answer and comes out of it as the same, or refused with
 * a reason. */
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

static char *render(const struct batch_item *items, uint32_t count, size_t *length)
{
    *length = strlen(RENDER_RESULTS_END);
    for (uint32_t i = 0; i < count; i++) {
        const struct render_result result = result_of(&items[i]);
        *length += render_result_length(&result);
    }
    char *text = malloc(*length + 1), *at = text;
    for (uint32_t i = 0; i < count; i++) {
        const struct render_result result = result_of(&items[i]);
        at = render_result(at, &result, i == 0);
    }
    strcpy(at, RENDER_RESULTS_END);
    check(strlen(text) == *length);
    return text;
}

static void check_items(const struct batch_item *items, uint32_t count)
{
    size_t length;
    char *text = render(items, count, &length);
    json_t *results = json_loadb(text, length, 0, NULL);

    check(json_array_size(results) == count);
    for (uint32_t i = 0; i < count; i++) {
        json_t *query = json_object_get(json_array_get(results, i), "query");
        check(strlen(items[i].text) == items[i].length);
        check(json_string_length(query) == items[i].length);
        check(memcmp(json_string_value(query), items[i].text, items[i].length) == 0);
        check(items[i].error != P0F_OK || items[i].addr.type == 4 || items[i].addr.type == 6);
    }
    json_decref(results);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char error[BATCH_BODY_ERROR_SIZE];
    struct batch_body *body = batch_body_read((const char *)data, size, MOST, error);
    uint32_t count;

    check(memchr(error, '\0', sizeof error) != NULL);
    check(!body == (error[0] != '\0'));
    if (!body)
        return 0;
    const struct batch_item *items = batch_body_items(body, &count);
    check(count >= 1 && count <= MOST);
    check_items(items, count);
    batch_body_free(body);
    return 0;
}
