/* SPDX-License-Identifier: MIT */
/* What render.c and its siblings share. Nobody else includes this. */
#ifndef JSON_RENDER_PRIVATE_H
#define JSON_RENDER_PRIVATE_H

#include <stddef.h>

struct json_t; /* jansson's */

/* Any bytes as a JSON string: those that are no UTF-8 are read as Latin-1. NULL: no memory. */
struct json_t *render_text(const char *bytes);

/* Adds a member. Steals `value`, NULL included. One that could not be made would leave the object
 * short, so then *object is dropped and becomes NULL, which is passed on gladly. */
void render_add(struct json_t **object, const char *name, struct json_t *value);

/* The whole as one line. Steals `root`, NULL included. NULL: no memory. */
char *render_line(struct json_t *root, size_t *length);

#endif
