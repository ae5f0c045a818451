/* SPDX-License-Identifier: MIT */
/* Reads JSON (RFC 8259) strictly, token by token, without a tree and without memory: for small documents whose
 * members are known, where jansson's objects would cost more than all else. Blanks before a token are skipped.
 *
 * The text ends with a NUL, and is changed: strings are decoded where they are. After a failure a scan is of no
 * more use. Pure. */
#ifndef JSON_SCAN_H
#define JSON_SCAN_H

#include <stdbool.h>
#include <stdint.h>

struct scan {
    char *at;
};

/* Takes `mark`, such as '{' or ',', if it comes next. If not, nothing has happened. */
bool scan_mark(struct scan *scan, char mark);

/* The same for these bytes, without blanks before them. */
bool scan_word(struct scan *scan, const char *word);

/* The same for the end of the text. */
bool scan_end(struct scan *scan);

/* A string, decoded and NUL-terminated, which stays where it was in the text; NULL if there is none that is
 * valid. \u0000 is not, nor are surrogates that are not paired. */
char *scan_string(struct scan *scan);

/* A number without fraction and exponent that is in the range. */
bool scan_integer(struct scan *scan, int64_t min, int64_t max, int64_t *value);

/* Any number that a double can hold, or null, which is NaN. */
bool scan_real_or_null(struct scan *scan, double *value);

/* Passes over any value; arrays and objects may be nested `depth` deep. */
bool scan_any(struct scan *scan, unsigned depth);

#endif
