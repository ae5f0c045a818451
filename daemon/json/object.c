/* SPDX-License-Identifier: MIT */
#include "json/object.h"

#include "core/utf8.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 4095 /* bytes of a text that is not UTF-8; all of ours are shorter */

/* Texts come from signature files, from command lines and from clients: they can be any bytes. */
json_t *object_text(const char *bytes)
{
    char utf8[2 * TEXT_MAX + 1];

    if (utf8_valid(bytes))
        return json_string_nocheck(bytes);
    utf8_from_latin1(bytes, utf8, sizeof utf8);
    return json_string_nocheck(utf8);
}

json_t *object_text_or_null(const char *bytes)
{
    return bytes[0] ? object_text(bytes) : json_null();
}

void object_add(json_t **object, const char *name, json_t *value)
{
    if (json_object_set_new_nocheck(*object, name, value) == 0)
        return; /* if *object is NULL, it frees the value and fails */
    json_decref(*object);
    *object = NULL;
}

void object_append(json_t **array, json_t *value)
{
    if (json_array_append_new(*array, value) == 0)
        return; /* likewise */
    json_decref(*array);
    *array = NULL;
}

char *object_line(json_t *root, size_t *length)
{
    char line[2048]; /* a longer text is dumped a second time, which takes memory again */
    size_t size = root ? json_dumpb(root, line, sizeof line, JSON_COMPACT) : 0;
    char *text = size > 0 ? malloc(size + 2) : NULL;

    if (text && size <= sizeof line) {
        memcpy(text, line, size);
    } else if (text && json_dumpb(root, text, size, JSON_COMPACT) != size) {
        free(text);
        text = NULL;
    }
    json_decref(root);
    if (!text)
        return NULL;
    text[size] = '\n';
    text[size + 1] = '\0';
    *length = size + 1;
    return text;
}
