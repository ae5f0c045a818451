/* SPDX-License-Identifier: MIT */
/* The problems a client can meet: status, code and title of each (RFC 9457). Pure. */
#ifndef HTTP_PROBLEM_H
#define HTTP_PROBLEM_H

#include <stdbool.h>

enum problem {
    PROBLEM_BAD_ADDRESS,
    PROBLEM_BAD_PARAMETER,
    PROBLEM_BAD_BODY,
    PROBLEM_BAD_REQUEST, /* the HTTP itself: no Host, ambiguous length, NULs */
    PROBLEM_UNAUTHORIZED,
    PROBLEM_FORBIDDEN,
    PROBLEM_NO_MATCH,
    PROBLEM_NOT_FOUND,
    PROBLEM_METHOD_NOT_ALLOWED,
    PROBLEM_REQUEST_TIMEOUT, /* the request's own, not p0f's */
    PROBLEM_BODY_TOO_LARGE,
    PROBLEM_URI_TOO_LONG,
    PROBLEM_UNSUPPORTED_TYPE,
    PROBLEM_MISDIRECTED,
    PROBLEM_HEADERS_TOO_LARGE,
    PROBLEM_BAD_RESPONSE,
    PROBLEM_UNAVAILABLE,
    PROBLEM_OVERLOADED,
    PROBLEM_TIMEOUT,
    PROBLEM_VERSION, /* of HTTP */
};

struct problem_kind {
    unsigned status;
    const char *code;
    const char *title;
    bool retry; /* worth retrying in a second */
};

/* Static. */
const struct problem_kind *problem_kind(enum problem problem);

#endif
