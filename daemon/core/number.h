/* SPDX-License-Identifier: MIT */
/* Decimal integers, from text and to text. Pure, and independent of the locale. */
#ifndef CORE_NUMBER_H
#define CORE_NUMBER_H

#include "core/span.h"

#include <stdint.h>

/* Reads one or more digits, and nothing else: no sign, no whitespace, no unit. Leading zeros are
 * allowed. False, with *number unchanged, on anything else and on a number above `max`. */
bool number_parse(struct span digits, uint64_t max, uint64_t *number);

/* How many digits `text` begins with. */
size_t number_digits(struct span text);

#define NUMBER_SIZE 20 /* bytes of the longest, -9223372036854775808 */

/* Writes `value` without a NUL and returns its length. Inline, since it runs on every cache hit. */
static inline size_t number_format(int64_t value, char out[NUMBER_SIZE])
{
    char digits[NUMBER_SIZE]; /* from the last to the first */
    char *end = out;
    size_t count = 0;
    uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;

    if (value < 0)
        *end++ = '-';
    do {
        digits[count++] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest);
    while (count > 0)
        *end++ = digits[--count];
    return (size_t)(end - out);
}

#endif
