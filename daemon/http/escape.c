/* SPDX-License-Identifier: MIT */
#include "http/escape.h"

#include <string.h>

/* Returns the length. */
static size_t escape_byte(unsigned char byte, char out[4])
{
    static const char digits[] = "0123456789ABCDEF";

    if (byte >= ' ' && byte < 0x7f && byte != '"' && byte != '\\') {
        out[0] = (char)byte;
        return 1;
    }
    out[0] = '\\';
    out[1] = (char)byte;
    if (byte == '"' || byte == '\\')
        return 2;
    out[1] = 'x';
    out[2] = digits[byte >> 4];
    out[3] = digits[byte & 15];
    return 4;
}

void escape(const char *text, size_t max, char *out, size_t size)
{
    size_t used = 0;

    for (size_t i = 0; i < max && text[i] != '\0'; i++) {
        char piece[4];
        size_t length = escape_byte((unsigned char)text[i], piece);
        if (length >= size - used)
            break;
        memcpy(out + used, piece, length);
        used += length;
    }
    out[used] = '\0';
}
