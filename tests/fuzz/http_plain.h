/* SPDX-License-Identifier: MIT */
/* Requests that leave nothing open: strict HTTP/1.1 of moderate size. Whatever else is sent, those at
 * the beginning must be answered, each once and in their order. */
#ifndef HTTP_PLAIN_H
#define HTTP_PLAIN_H

#include "p0fclient.h"

#include <stdbool.h>
#include <stddef.h>

#define HTTP_PLAIN_PIECES 100 /* fields, parameters and cookies; fewer are no matter */

struct http_plain {
    size_t length; /* of all of it, its body too */
    bool head;     /* HEAD: the answer has no body */
    bool get;      /* or that */
    const char *target;
    size_t target_length;
    bool host; /* /host/ and an address that is one, whatever follows */
    struct p0f_addr addr;
};

/* Whether what begins at `text` is one, as a whole; fills *plain then. */
bool http_plain_read(const char *text, size_t length, struct http_plain *plain);

#endif
