/* SPDX-License-Identifier: MIT */
#include "json/render.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct p0f_addr addr = {4, {192, 0, 2, 1}};

static void expect_problem(struct render_problem problem, const char *expected)
{
    size_t length;
    char *text = render_problem(&problem, &length);

    cr_assert_str_eq(text, expected, "%s", text);
    cr_assert_eq(length, strlen(expected));
    free(text);
}

Test(render_problem, problem_is_as_rfc_9457_has_it)
{
    expect_problem((struct render_problem){404, "no-match", "Unknown host", "Never seen", &addr},
                   "{\"type\":\"urn:p0f-lookupd:no-match\",\"title\":\"Unknown host\","
                   "\"status\":404,\"detail\":\"Never seen\",\"ip\":\"192.0.2.1\"}\n");
    expect_problem((struct render_problem){400, "bad-address", "T", "D", NULL},
                   "{\"type\":\"urn:p0f-lookupd:bad-address\",\"title\":\"T\",\"status\":400,"
                   "\"detail\":\"D\"}\n");
}

Test(render_problem, detail_may_have_any_bytes)
{
    expect_problem(
        (struct render_problem){400, "bad-body", "T", "a \"b\" \\ \n \xc3\xa9 \x7f", NULL},
        "{\"type\":\"urn:p0f-lookupd:bad-body\",\"title\":\"T\",\"status\":400,"
        "\"detail\":\"a \\\"b\\\" \\\\ \\n \xc3\xa9 \x7f\"}\n");
    expect_problem((struct render_problem){400, "c", "T", "caf\xe9", NULL},
                   "{\"type\":\"urn:p0f-lookupd:c\",\"title\":\"T\",\"status\":400,"
                   "\"detail\":\"caf\xc3\xa9\"}\n");
}

Test(render_problem, detail_may_be_long)
{
    static char detail[RENDER_DETAIL_SIZE], expected[6 * RENDER_DETAIL_SIZE + 512];
    char *at = expected;

    memset(detail, 1, sizeof detail - 1);
    at +=
        sprintf(at, "{\"type\":\"urn:p0f-lookupd:c\",\"title\":\"T\",\"status\":400,\"detail\":\"");
    for (size_t i = 0; i < sizeof detail - 1; i++)
        at += sprintf(at, "\\u0001");
    sprintf(at, "\",\"ip\":\"192.0.2.1\"}\n");
    expect_problem((struct render_problem){400, "c", "T", detail, &addr}, expected);
}

Test(render_problem, index_names_the_paths)
{
    const struct render_path given[] = {{"/host/{ip}", "a host"}, {"/livez", "alive"}};
    size_t length;
    char *text = render_index("1.2.3", given, 2, &length);
    json_t *json = json_loadb(text, length, 0, NULL);
    json_t *paths = json_object_get(json, "paths");

    cr_assert_eq(text[length - 1], '\n');
    cr_assert_eq(text[length], '\0');
    cr_assert_str_eq(json_string_value(json_object_get(json, "name")), "p0f-lookupd");
    cr_assert_str_eq(json_string_value(json_object_get(json, "version")), "1.2.3");
    cr_assert_eq(json_object_size(paths), 2);
    cr_assert_str_eq(json_string_value(json_object_get(paths, "/host/{ip}")), "a host");
    cr_assert_str_eq(json_string_value(json_object_get(paths, "/livez")), "alive");
    json_decref(json);
    free(text);
}
