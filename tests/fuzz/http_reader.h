/* SPDX-License-Identifier: MIT */
/* A strict reader of responses, of what the daemon may send and of nothing else. */
#ifndef HTTP_READER_H
#define HTTP_READER_H

#include <stdbool.h>
#include <stddef.h>

/* One response as a whole. */
struct http_response {
    const char *start;
    size_t length; /* of head and body */
    unsigned status;
    bool closes; /* Connection: close */
    bool json;   /* of either type */
    bool lines;  /* of JSON each */
    bool page;   /* libmicrohttpd's own, in HTML */
    const char *body;
    size_t body_length; /* 0 also where there is none */
};

enum http_reading {
    HTTP_READ,
    HTTP_READ_MORE,  /* so far it is one */
    HTTP_READ_WRONG, /* http_reader_why says why */
};

/* Reads what begins at `text`; `bodyless`: it answers HEAD. Interim responses (100) are passed over. */
enum http_reading http_reader_next(const char *text, size_t length, bool bodyless,
                                   struct http_response *response);

/* How many of the bytes at the front are interim responses, which end nothing. */
size_t http_reader_interims(const char *text, size_t length);

/* Of the last that was wrong. */
const char *http_reader_why(void);

#endif
