/* SPDX-License-Identifier: MIT */
/* Renders what p0f knows, and problems, as JSON. Pure, except for allocation.
 *
 * Strings may be any bytes: those that are not valid UTF-8 are taken as Latin-1. Each function returns
 * a NUL-terminated document that ends with a newline, which the caller frees, and its length in
 * *length; or NULL when out of memory. Any thread. */
#ifndef JSON_RENDER_H
#define JSON_RENDER_H

#include "p0fclient.h"

#include <stdbool.h>
#include <stddef.h>

enum render_format {
    RENDER_PARSED, /* ISO 8601 times, null for what p0f does not know */
    RENDER_RAW,    /* p0f's fields, verbatim */
    RENDER_FORMATS
};

/* Seeds jansson's hash tables. Call it once, before any thread starts. */
void render_init(void);

/* `sensor` is the name of who saw it, which needs no escaping (core/sensor_name.h); NULL or "": none. */
char *render_host(const struct p0f_addr *addr, const struct p0f_host *host, const char *sensor,
                  enum render_format format, size_t *length);

#define RENDER_DETAIL_SIZE 4352 /* that of /readyz, which may be about many sensors */

/* A problem document (RFC 9457). */
struct render_problem {
    unsigned status;
    const char *code;            /* of the type "urn:p0f-lookupd:code" */
    const char *title;           /* the same for every problem with this code */
    const char *detail;          /* what happened this time, less than RENDER_DETAIL_SIZE bytes */
    const struct p0f_addr *addr; /* of the host, or NULL */
};

char *render_problem(const struct render_problem *problem, size_t *length);

/* A path and what it is for. */
struct render_path {
    const char *path;
    const char *help;
};

/* The index document at "/". */
char *render_index(const char *version, const struct render_path *paths, size_t count,
                   size_t *length);

/* ---- The response to a batch, result by result */

struct render_result {
    const char *query; /* as the client sent it; UTF-8 */
    size_t query_length;
    unsigned status;  /* three digits */
    const char *host; /* with 200: from render_host(), including the newline */
    size_t host_length;
    const char *code; /* otherwise, and `detail`; UTF-8 */
    const char *detail;
};

/* The exact number of bytes that render_result() writes, in either form. */
size_t render_result_length(const struct render_result *result);

/* The document that they make up. */
enum render_results {
    RENDER_RESULTS_ARRAY, /* a JSON array */
    RENDER_RESULTS_LINES, /* NDJSON: an object on each line */
};

/* Writes one of them at `at`, where there must be room for it, and returns its end. Never fails. */
char *render_result(char *at, const struct render_result *result, enum render_results form,
                    bool first);

/* What follows the last one. */
const char *render_results_end(enum render_results form);

#endif
