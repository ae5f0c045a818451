/* What p0f said, as JSON. The only writer of JSON; pure but for the memory it returns.
 *
 * Every text that comes in is any bytes; every text that goes out is UTF-8: bytes that are not are
 * read as Latin-1. Each function returns a NUL-terminated text that ends with a newline, for the
 * caller to free, with its length in *length; NULL when out of memory. Any thread. */
#ifndef RENDER_H
#define RENDER_H

#include "p0fclient.h"

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
    const char *detail;          /* what happened this time */
    const struct p0f_addr *addr; /* NULL when there is none */
};

char *render_problem(const struct render_problem *problem, size_t *length);

/* A path that there is, and what for. */
struct render_path {
    const char *path;
    const char *meaning;
};

/* The index at "/": what there is to ask, and the version. */
char *render_index(const char *version, const struct render_path *paths, size_t count,
                   size_t *length);

#endif
