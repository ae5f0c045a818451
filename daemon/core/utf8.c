/* SPDX-License-Identifier: MIT */
#include "core/utf8.h"

/* The length of the sequence at `in`, or 0 if it is not valid. Reads no further than its NUL. */
static size_t sequence_length(const unsigned char *in)
{
    size_t length = in[0] < 0x80 ? 1 : in[0] < 0xc2 ? 0 : in[0] < 0xe0 ? 2 : in[0] < 0xf0 ? 3 : 4;

    if (in[0] > 0xf4 || length == 0)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((in[i] & 0xc0) != 0x80)
            return 0;
    bool overlong = (in[0] == 0xe0 && in[1] < 0xa0) || (in[0] == 0xf0 && in[1] < 0x90);
    bool surrogate = in[0] == 0xed && in[1] > 0x9f;
    bool beyond = in[0] == 0xf4 && in[1] > 0x8f;
    return overlong || surrogate || beyond ? 0 : length;
}

bool utf8_valid(const char *text)
{
    const unsigned char *in = (const unsigned char *)text;

    while (*in) {
        size_t length = sequence_length(in);
        if (length == 0)
            return false;
        in += length;
    }
    return true;
}

size_t utf8_from_latin1(const char *bytes, char *out, size_t size)
{
    size_t used = 0;

    for (const char *in = bytes; *in; in++) {
        unsigned char byte = (unsigned char)*in;
        if (size - used < (byte < 0x80 ? 2 : 3)) /* including the NUL */
            break;
        if (byte < 0x80) {
            out[used++] = (char)byte;
        } else { /* Latin-1 is the first 256 code points of Unicode */
            out[used++] = (char)(0xc0 | byte >> 6);
            out[used++] = (char)(0x80 | (byte & 0x3f));
        }
    }
    out[used] = '\0';
    return used;
}

bool utf8_to_latin1(const char *text, char *out, size_t size)
{
    const unsigned char *in = (const unsigned char *)text;
    size_t used = 0;

    while (*in && used + 1 < size) {
        if (*in < 0x80) {
            out[used++] = (char)*in++;
        } else if (*in <= 0xc3) { /* two bytes, for U+0080 to U+00FF */
            out[used++] = (char)((in[0] & 0x03) << 6 | (in[1] & 0x3f));
            in += 2;
        } else {
            return false;
        }
    }
    out[used] = '\0';
    return *in == '\0';
}
