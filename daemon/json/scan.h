/* SPDX-License-Identifier: MIT */
/* A strict JSON (RFC 8259) tokenizer that builds no tree and allocates nothing: for small documents with known
 * members, for which jansson is too slow. Blanks before a token are skipped.
 *
 * The text ends with a NUL, and is modified: strings are decoded in place. After a failure, a scan must not be
 * used any more. Pure. */
#ifndef JSON_SCAN_H
#define JSON_SCAN_H

#include <stdbool.h>
#include <stdint.h>

struct scan {
    char *at;
};

/* Skips `mark`, such as '{' or ',', if it comes next. False, with the position unchanged, if not. */
bool scan_mark(struct scan *scan, char mark);

/* Skips these bytes if they come next, without skipping blanks before them. False if not. */
bool scan_word(struct scan *scan, const char *word);

/* Whether the text ends here. */
bool scan_end(struct scan *scan);

/* A string, decoded in place and NUL-terminated; NULL if there is no valid one. \u0000 and unpaired surrogates
 * are invalid. */
char *scan_string(struct scan *scan);

/* A number without fraction and exponent, from `min` to `max`. */
bool scan_integer(struct scan *scan, int64_t min, int64_t max, int64_t *value);

/* Any number in the range of a double, or null, which is NaN. */
bool scan_real_or_null(struct scan *scan, double *value);

/* Skips any value; arrays and objects may be nested up to `depth` levels. */
bool scan_any(struct scan *scan, unsigned depth);

#endif
