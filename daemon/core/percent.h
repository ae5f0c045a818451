/* SPDX-License-Identifier: MIT */
/* Percent-encoding (RFC 3986, 2.1). Pure. */
#ifndef CORE_PERCENT_H
#define CORE_PERCENT_H

#include "core/span.h"

enum percent_result {
    PERCENT_DECODED,
    PERCENT_TOO_LONG, /* for `size` bytes */
    PERCENT_BROKEN,   /* a % that two hexadecimal digits do not follow */
};

/* Decodes into `out`, which may contain NUL bytes afterwards and gets no NUL at its end. *length is set
 * only on PERCENT_DECODED. */
enum percent_result percent_decode(struct span in, char *out, size_t size, size_t *length);

/* Decodes only what need not be encoded: letters, digits, - . _ and ~ (RFC 3986, 2.3), so that equal
 * paths become equal texts. `out` must have room for in.length bytes. False, with *length unchanged, if
 * the encoding is broken: then there is nothing to be made equal. */
bool percent_normalize(struct span in, char *out, size_t *length);

#endif
