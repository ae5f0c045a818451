/* SPDX-License-Identifier: MIT */
/* Small documents that are rarely made, as trees of jansson's values. render.h writes what is made
 * often.
 *
 * Out of memory, each function returns NULL and takes NULL: a document that lacks a part becomes NULL
 * as a whole, and only what object_line() returns need be checked. Pure, except for allocation. Any
 * thread. */
#ifndef JSON_OBJECT_H
#define JSON_OBJECT_H

#include <stddef.h>

struct json_t; /* jansson's */

/* A string of any bytes. If they are not UTF-8, the first 4095 are read as Latin-1. */
struct json_t *object_text(const char *bytes);

/* The same, but null for "". */
struct json_t *object_text_or_null(const char *bytes);

/* Adds a member and takes `value` over. On failure, or if `value` is NULL, frees *object and sets it to
 * NULL. `name` is UTF-8. */
void object_add(struct json_t **object, const char *name, struct json_t *value);

/* The same for an element of an array. */
void object_append(struct json_t **array, struct json_t *value);

/* The document as one line, NUL-terminated after its newline, with its length in *length; the caller
 * frees it. Takes `root` over. */
char *object_line(struct json_t *root, size_t *length);

#endif
