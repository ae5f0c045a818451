/* SPDX-License-Identifier: MIT */
#include "core/percent.h"

static int hex_digit(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F')
        return digit - 'A' + 10;
    return -1;
}

/* The byte that the three bytes at `at` stand for; -1 if they are no encoding. */
static int encoded_byte(struct span in, size_t at)
{
    int high = at + 2 < in.length ? hex_digit(in.at[at + 1]) : -1;
    int low = at + 2 < in.length ? hex_digit(in.at[at + 2]) : -1;

    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

enum percent_result percent_decode(struct span in, char *out, size_t size, size_t *length)
{
    size_t used = 0;

    for (size_t i = 0; i < in.length; i++) {
        char byte = in.at[i];
        if (byte == '%') {
            int value = encoded_byte(in, i);
            if (value < 0)
                return PERCENT_BROKEN;
            byte = (char)value;
            i += 2;
        }
        if (used == size)
            return PERCENT_TOO_LONG;
        out[used++] = byte;
    }
    *length = used;
    return PERCENT_DECODED;
}

static bool is_unreserved(int byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '-' || byte == '.' || byte == '_' || byte == '~';
}

bool percent_normalize(struct span in, char *out, size_t *length)
{
    size_t used = 0;

    for (size_t i = 0; i < in.length; i++) {
        int value = in.at[i] == '%' ? encoded_byte(in, i) : 0;
        if (value < 0)
            return false;
        if (is_unreserved(value)) {
            out[used++] = (char)value;
            i += 2;
        } else {
            out[used++] = in.at[i];
        }
    }
    *length = used;
    return true;
}
