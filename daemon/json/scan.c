/* SPDX-License-Identifier: MIT */
#include "json/scan.h"

#include "core/utf8.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static void skip_blanks(struct scan *scan)
{
    while (*scan->at == ' ' || *scan->at == '\n' || *scan->at == '\r' || *scan->at == '\t')
        scan->at++;
}

bool scan_mark(struct scan *scan, char mark)
{
    skip_blanks(scan);
    if (*scan->at != mark)
        return false;
    scan->at++;
    return true;
}

bool scan_end(struct scan *scan)
{
    skip_blanks(scan);
    return *scan->at == '\0';
}

bool scan_word(struct scan *scan, const char *word)
{
    size_t length = strlen(word);

    if (strncmp(scan->at, word, length) != 0)
        return false;
    scan->at += length;
    return true;
}

/* ---- Strings */

/* Reads four hexadecimal digits; -1 if there are none. */
static int32_t scan_hex(const char **in)
{
    static const char digits[] = "0123456789abcdefABCDEF";
    int32_t value = 0;

    for (int i = 0; i < 4; i++, (*in)++) {
        const char *digit = **in ? strchr(digits, **in) : NULL;
        if (!digit)
            return -1;
        ptrdiff_t at = digit - digits;
        value = value << 4 | (int32_t)(at < 16 ? at : at - 6);
    }
    return value;
}

/* The character after "\u"; 0 if there is none. */
static uint32_t scan_character(const char **in)
{
    int32_t first = scan_hex(in);

    if (first < 0 || (first >= 0xdc00 && first <= 0xdfff))
        return 0;
    if (first < 0xd800 || first > 0xdbff)
        return (uint32_t)first;
    if ((*in)[0] != '\\' || (*in)[1] != 'u')
        return 0;
    *in += 2;
    int32_t second = scan_hex(in);
    if (second < 0xdc00 || second > 0xdfff)
        return 0;
    return 0x10000 + ((uint32_t)(first - 0xd800) << 10 | (uint32_t)(second - 0xdc00));
}

/* Fewer bytes than its escape sequence has. */
static char *put_character(char *out, uint32_t character)
{
    if (character < 0x80) {
        *out++ = (char)character;
        return out;
    }
    if (character < 0x800) {
        *out++ = (char)(0xc0 | character >> 6);
    } else {
        if (character < 0x10000) {
            *out++ = (char)(0xe0 | character >> 12);
        } else {
            *out++ = (char)(0xf0 | character >> 18);
            *out++ = (char)(0x80 | (character >> 12 & 0x3f));
        }
        *out++ = (char)(0x80 | (character >> 6 & 0x3f));
    }
    *out++ = (char)(0x80 | (character & 0x3f));
    return out;
}

/* Decodes the rest of an escape sequence, after the backslash. NULL if it is invalid. */
static char *unescape(const char **in, char *out)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    char letter = *(*in)++;
    const char *found = letter ? strchr(from, letter) : NULL;

    if (found) {
        *out++ = to[found - from];
        return out;
    }
    uint32_t character = letter == 'u' ? scan_character(in) : 0;
    return character ? put_character(out, character) : NULL;
}

/* Printable ASCII that needs no decoding, as is nearly all text. */
static bool is_plain(char byte)
{
    return byte >= ' ' && byte <= '~' && byte != '"' && byte != '\\';
}

char *scan_string(struct scan *scan)
{
    if (!scan_mark(scan, '"'))
        return NULL;
    char *text = scan->at, *out = text;
    while (is_plain(*out))
        out++;
    const char *in = out;
    bool ascii = true;

    while ((unsigned char)*in >= ' ' && *in != '"') {
        ascii = ascii && (unsigned char)*in < 0x80;
        if (*in != '\\') {
            *out++ = *in++;
            continue;
        }
        in++;
        out = unescape(&in, out);
        if (!out)
            return NULL;
    }
    if (*in != '"')
        return NULL;
    scan->at = text + (in - text) + 1;
    *out = '\0';
    return ascii || utf8_valid(text) ? text : NULL;
}

/* ---- Numbers */

static size_t digits_at(const char *at)
{
    return strspn(at, "0123456789");
}

/* The length of the number in bytes; 0 if there is none. */
static size_t number_length(const char *text)
{
    const char *at = text + (*text == '-');
    size_t whole = digits_at(at);

    if (whole == 0 || (*at == '0' && whole > 1))
        return 0;
    at += whole;
    if (*at == '.') {
        size_t fraction = digits_at(at + 1);
        if (fraction == 0)
            return 0;
        at += 1 + fraction;
    }
    if (*at == 'e' || *at == 'E') {
        at += at[1] == '+' || at[1] == '-' ? 2 : 1;
        size_t exponent = digits_at(at);
        if (exponent == 0)
            return 0;
        at += exponent;
    }
    return (size_t)(at - text);
}

/* Digits up to INT64_MAX, without leading zeros. */
static bool scan_digits(struct scan *scan, int64_t *value)
{
    const char *first = scan->at, *at = first;
    int64_t sum = 0;

    for (; *at >= '0' && *at <= '9'; at++)
        if (__builtin_mul_overflow(sum, 10, &sum) || __builtin_add_overflow(sum, *at - '0', &sum))
            return false;
    scan->at += at - first;
    *value = sum;
    return at > first && (*first != '0' || at == first + 1);
}

bool scan_integer(struct scan *scan, int64_t min, int64_t max, int64_t *value)
{
    skip_blanks(scan);
    bool negative = *scan->at == '-';
    scan->at += negative;
    if (!scan_digits(scan, value) || *scan->at == '.' || *scan->at == 'e' || *scan->at == 'E')
        return false;
    if (negative)
        *value = -*value;
    return *value >= min && *value <= max;
}

/* The locale is always "C". */
bool scan_real_or_null(struct scan *scan, double *value)
{
    skip_blanks(scan);
    size_t length = number_length(scan->at);

    if (length == 0) {
        *value = NAN;
        return scan_word(scan, "null");
    }
    *value = strtod(scan->at, NULL);
    scan->at += length;
    return isfinite(*value);
}

/* ---- Anything */

static bool scan_items(struct scan *scan, char end, unsigned depth)
{
    if (scan_mark(scan, end))
        return true;
    do {
        if (end == '}' && !(scan_string(scan) && scan_mark(scan, ':')))
            return false;
        if (!scan_any(scan, depth))
            return false;
    } while (scan_mark(scan, ','));
    return scan_mark(scan, end);
}

bool scan_any(struct scan *scan, unsigned depth)
{
    bool object = scan_mark(scan, '{');

    if (object || scan_mark(scan, '['))
        return depth > 0 && scan_items(scan, object ? '}' : ']', depth - 1);
    if (*scan->at == '"')
        return scan_string(scan) != NULL;
    size_t length = number_length(scan->at);
    scan->at += length;
    return length > 0 || scan_word(scan, "null") || scan_word(scan, "true") ||
           scan_word(scan, "false");
}
