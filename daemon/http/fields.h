/* SPDX-License-Identifier: MIT */
/* The header fields of a request: all of them are examined once, and what is needed later is kept. Pure,
 * except for allocation. */
#ifndef HTTP_FIELDS_H
#define HTTP_FIELDS_H

#include "http/cache_directives.h"
#include "net/client_header.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The values of a field that may occur several times, in their order. There is nearly always one at most,
 * which takes no memory. */
struct field_values {
    size_t count;
    const char *first;
    const char **all; /* where there are several, else NULL */
};

/* The values themselves; valid until the next is added. */
const char *const *field_values_array(const struct field_values *values);

/* To be zeroed before the first field, except for `client_header`, and for `directives`, which are those of a
 * request without any. Texts are libmicrohttpd's, and valid while the request lasts. */
struct fields {
    const struct client_header *client_header; /* the field with the client's address; borrowed */
    size_t bytes;                              /* of all field lines */
    unsigned hosts, lengths, encodings;        /* Host, Content-Length, Transfer-Encoding */
    unsigned authorizations;                   /* Authorization */
    uint64_t content_length;                   /* 0 for a chunked body too */
    const char *content_type;
    const char *host; /* the last Host, perhaps with trailing whitespace; or NULL */
    const char *origin;
    const char *authorization;      /* the last Authorization, or NULL */
    struct field_values accept;     /* Accept */
    struct field_values client;     /* of client_header */
    struct field_values none_match; /* If-None-Match */
    struct cache_directives directives;
    bool chunked;
    bool hidden_length;   /* a length or coding of the body that libmicrohttpd does not recognise */
    bool bad_name;        /* a field whose name is not a token */
    bool bad_host;        /* an invalid character in Host */
    bool encoded;         /* Content-Encoding other than identity */
    bool preflight;       /* Access-Control-Request-Method */
    bool private_network; /* Access-Control-Request-Private-Network: true */
    bool out_of_memory;   /* some values above are missing */
};

/* Examines the next field. `name` and `value` are NUL-terminated. */
void fields_add(struct fields *fields, const char *name, size_t name_length, const char *value,
                size_t value_length);

/* Whether servers and proxies may disagree about the length of the body, which is how requests are
 * smuggled past a proxy. `version` is that of HTTP. */
bool fields_are_ambiguous(const struct fields *fields, const char *version);

/* Whether a body may follow the header. */
bool fields_announce_body(const struct fields *fields);

/* Frees the memory of the values. */
void fields_free(struct fields *fields);

#endif
