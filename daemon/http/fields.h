/* SPDX-License-Identifier: MIT */
/* The header fields of a request, as far as they mean anything to us: all of them are looked at once,
 * and what is needed later is kept. Pure, but for memory. */
#ifndef HTTP_FIELDS_H
#define HTTP_FIELDS_H

#include "http/cache_directives.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All values of a field that may be sent several times, in their order. There is nearly always one at
 * most, which takes no memory. */
struct field_values {
    size_t count;
    const char *first;
    const char **all; /* where there are several, else NULL */
};

/* The values themselves; valid until the next is added. */
const char *const *field_values_array(const struct field_values *values);

/* Zeroed before the first field, but for `directives`, which are those of a request without any.
 * Texts are borrowed from the library while the request lasts. */
struct fields {
    size_t bytes;                       /* of all fields, with what stands around them */
    unsigned hosts, lengths, encodings; /* Host, Content-Length, Transfer-Encoding */
    uint64_t content_length;            /* 0 for a chunked body too */
    const char *content_type;
    const char *origin;
    struct field_values forwarded_for; /* X-Forwarded-For */
    struct field_values none_match;    /* If-None-Match */
    struct cache_directives directives;
    bool chunked;
    bool hidden_length; /* a length or coding of the body that libmicrohttpd does not see */
    bool bad_name;      /* a field whose name is not a token */
    bool bad_host;      /* a byte in Host that no host may have */
    bool encoded;       /* Content-Encoding: compressed, perhaps */
    bool preflight;     /* Access-Control-Request-Method: a browser asks what it may ask */
    bool out_of_memory; /* for the values above */
};

/* Takes the next field into account. `name` and `value` end with a NUL. */
void fields_add(struct fields *fields, const char *name, size_t name_length, const char *value,
                size_t value_length);

/* Whether the body has a length, or none, that all who read the request agree on. `version` is that of
 * HTTP. */
bool fields_are_ambiguous(const struct fields *fields, const char *version);

/* Whether a body follows the header, as far as anybody can tell. */
bool fields_announce_body(const struct fields *fields);

/* Frees what was needed to keep them. */
void fields_free(struct fields *fields);

#endif
