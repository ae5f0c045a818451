/* SPDX-License-Identifier: MIT */
/* What p0f said, as JSON. The only writer of JSON; pure but for the memory it returns.
 *
 * Every text that comes in is any bytes; every text that goes out is UTF-8: bytes that are not are
 * read as Latin-1. Each function returns a NUL-terminated text that ends with a newline, for the
 * caller to free, with its length in *length; NULL when out of memory. Any thread. */
#ifndef JSON_RENDER_H
#define JSON_RENDER_H

#include "p0fclient.h"

#include <stdbool.h>
#include <stddef.h>

enum render_format {
    RENDER_PARSED, /* for people and programs: names, ISO 8601, null for unknown */
    RENDER_RAW,    /* p0f's own fields, verbatim */
    RENDER_FORMATS
};

/* Seeds jansson's hash tables. Once, before any thread starts. */
void render_init(void);

char *render_host(const struct p0f_addr *addr, const struct p0f_host *host,
                  enum render_format format, size_t *length);

/* A problem as RFC 9457 has it. */
struct render_problem {
    unsigned status;
    const char *code;            /* behind "urn:p0f-lookupd:" */
    const char *title;           /* the same for each problem of this code */
    const char *detail;          /* what happened this time, in 255 bytes at most */
    const struct p0f_addr *addr; /* NULL when there is none */
};

char *render_problem(const struct render_problem *problem, size_t *length);

/* A path that there is, and what for. */
struct render_path {
    const char *path;
    const char *help;
};

/* The index at "/": what there is to ask, and the version. */
char *render_index(const char *version, const struct render_path *paths, size_t count,
                   size_t *length);

/* ---- The answer to a batch, result by result */

struct render_result {
    const char *query; /* as it was given; UTF-8 */
    size_t query_length;
    unsigned status;  /* three digits */
    const char *host; /* with 200: of render_host(), its newline included */
    size_t host_length;
    const char *code; /* otherwise; UTF-8, as the next */
    const char *detail;
};

/* How many bytes render_result() writes. */
size_t render_result_length(const struct render_result *result);

/* Writes one element of the array at `at`, where there is room for it, with what stands before it; and
 * returns where it ends. Behind the last one comes RENDER_RESULTS_END. Never fails. */
char *render_result(char *at, const struct render_result *result, bool first);

#define RENDER_RESULTS_END "]\n"

#endif
