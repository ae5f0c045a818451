/* SPDX-License-Identifier: MIT */
#include "json/render.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static char *rendered_in(const struct render_result *results, size_t count,
                         enum render_results form, size_t *length)
{
    size_t reckoned = strlen(render_results_end(form));

    for (size_t i = 0; i < count; i++)
        reckoned += render_result_length(&results[i]);
    char *text = malloc(reckoned + 1), *at = text;
    for (size_t i = 0; i < count; i++)
        at = render_result(at, &results[i], form, i == 0);
    strcpy(at, render_results_end(form));
    *length = strlen(text);
    cr_assert_eq(*length, reckoned, "%zu, not %zu", *length, reckoned);
    return text;
}

static char *rendered(const struct render_result *results, size_t count, size_t *length)
{
    return rendered_in(results, count, RENDER_RESULTS_ARRAY, length);
}

static void expect(const struct render_result *results, size_t count, const char *expected)
{
    size_t length;
    char *text = rendered(results, count, &length);

    cr_assert_str_eq(text, expected, "%s", text);
    free(text);
}

Test(render_batch, hosts_and_problems_in_order)
{
    const struct render_result results[] = {
        {.query = "1.2.3.4", .query_length = 7, .status = 404, .code = "no-match", .detail = "D"},
        {.query = "::1", .query_length = 3, .status = 200, .host = "{\"a\":1}\n", .host_length = 8},
    };

    expect(results, 2,
           "[{\"query\":\"1.2.3.4\",\"status\":404,\"code\":\"no-match\",\"detail\":\"D\"},"
           "{\"query\":\"::1\",\"status\":200,\"host\":{\"a\":1}}]\n");
    expect(results + 1, 1, "[{\"query\":\"::1\",\"status\":200,\"host\":{\"a\":1}}]\n");
}

Test(render_batch, each_on_a_line)
{
    const struct render_result results[] = {
        {.query = "1\n2", .query_length = 3, .status = 404, .code = "no-match", .detail = "D"},
        {.query = "::1", .query_length = 3, .status = 200, .host = "{\"a\":1}\n", .host_length = 8},
    };
    size_t length;

    char *text = rendered_in(results, 2, RENDER_RESULTS_LINES, &length);
    cr_assert_str_eq(
        text, "{\"query\":\"1\\u000a2\",\"status\":404,\"code\":\"no-match\",\"detail\":\"D\"}\n"
              "{\"query\":\"::1\",\"status\":200,\"host\":{\"a\":1}}\n");
    free(text);
}

Test(render_batch, texts_are_escaped)
{
    const struct render_result result = {.query = "\"\\\n\x1f/\xc3\xa9\x7f",
                                         .query_length = 8,
                                         .status = 400,
                                         .code = "c",
                                         .detail = "\"d\""};

    expect(&result, 1,
           "[{\"query\":\"\\\"\\\\\\u000a\\u001f/\xc3\xa9\x7f\",\"status\":400,\"code\":\"c\","
           "\"detail\":\"\\\"d\\\"\"}]\n");
}

/* Each byte of it takes six. */
Test(render_batch, lengths_are_reckoned_right)
{
    static char query[5000], host[3000];
    struct render_result results[40];
    size_t length;

    memset(query, 1, sizeof query);
    memset(host, ' ', sizeof host);
    memcpy(host, "{}", 2);
    for (size_t i = 0; i < 40; i++)
        results[i] = (struct render_result){.query = query,
                                            .query_length = i * sizeof query / 40,
                                            .status = 200,
                                            .host = host,
                                            .host_length = sizeof host - i};
    char *text = rendered(results, 40, &length);
    json_t *json = json_loadb(text, length, 0, NULL);
    cr_assert_eq(json_array_size(json), 40);
    for (size_t i = 0; i < 40; i++) {
        const json_t *found = json_object_get(json_array_get(json, i), "query");
        cr_assert_eq(json_string_length(found), i * sizeof query / 40);
    }
    json_decref(json);
    free(text);
}
