/* SPDX-License-Identifier: MIT */
#include "http/openapi.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <string.h>

static json_t *load(void)
{
    size_t length = 0;
    const char *text = openapi_document(&length);
    json_error_t error;
    json_t *document = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);

    cr_assert_not_null(document, "line %d: %s", error.line, error.text);
    return document;
}

Test(openapi, document_is_a_text_that_ends_with_a_newline)
{
    size_t length = 0;
    const char *text = openapi_document(&length);

    cr_assert_gt(length, 0);
    cr_assert_eq(strlen(text), length);
    cr_assert_eq(text[length - 1], '\n');
}

Test(openapi, document_is_openapi_3_1_of_this_version)
{
    json_t *document = load();
    const char *openapi = json_string_value(json_object_get(document, "openapi"));
    json_t *info = json_object_get(document, "info");

    cr_assert_not_null(openapi);
    cr_assert_eq(strncmp(openapi, "3.1.", 4), 0, "%s", openapi);
    cr_assert_str_eq(json_string_value(json_object_get(info, "version")), P0F_LOOKUPD_VERSION);
    json_decref(document);
}
