/* SPDX-License-Identifier: MIT */
#include "net/syntax.h"

/* Tables without branches, as every request has names. */
#define LETTERS_AND_DIGITS                                                                         \
    ['0'] = 1, ['1'] = 1, ['2'] = 1, ['3'] = 1, ['4'] = 1, ['5'] = 1, ['6'] = 1, ['7'] = 1,        \
    ['8'] = 1, ['9'] = 1, ['A'] = 1, ['B'] = 1, ['C'] = 1, ['D'] = 1, ['E'] = 1, ['F'] = 1,        \
    ['G'] = 1, ['H'] = 1, ['I'] = 1, ['J'] = 1, ['K'] = 1, ['L'] = 1, ['M'] = 1, ['N'] = 1,        \
    ['O'] = 1, ['P'] = 1, ['Q'] = 1, ['R'] = 1, ['S'] = 1, ['T'] = 1, ['U'] = 1, ['V'] = 1,        \
    ['W'] = 1, ['X'] = 1, ['Y'] = 1, ['Z'] = 1, ['a'] = 1, ['b'] = 1, ['c'] = 1, ['d'] = 1,        \
    ['e'] = 1, ['f'] = 1, ['g'] = 1, ['h'] = 1, ['i'] = 1, ['j'] = 1, ['k'] = 1, ['l'] = 1,        \
    ['m'] = 1, ['n'] = 1, ['o'] = 1, ['p'] = 1, ['q'] = 1, ['r'] = 1, ['s'] = 1, ['t'] = 1,        \
    ['u'] = 1, ['v'] = 1, ['w'] = 1, ['x'] = 1, ['y'] = 1, ['z'] = 1

static const unsigned char token[256] = {
    LETTERS_AND_DIGITS, ['!'] = 1, ['#'] = 1, ['$'] = 1, ['%'] = 1, ['&'] = 1,
    ['\''] = 1,         ['*'] = 1, ['+'] = 1, ['-'] = 1, ['.'] = 1, ['^'] = 1,
    ['_'] = 1,          ['`'] = 1, ['|'] = 1, ['~'] = 1};

static const unsigned char host[256] = {
    LETTERS_AND_DIGITS, ['-'] = 1, ['.'] = 1,  ['_'] = 1, ['~'] = 1, ['%'] = 1, ['!'] = 1,
    ['$'] = 1,          ['&'] = 1, ['\''] = 1, ['('] = 1, [')'] = 1, ['*'] = 1, ['+'] = 1,
    [';'] = 1,          ['='] = 1, [':'] = 1,  ['['] = 1, [']'] = 1};

static bool is_made_of(const unsigned char class[256], const char *text, size_t length)
{
    const unsigned char *at = (const unsigned char *)text, *end = at + length;
    unsigned good = 1;

    for (; end - at >= 4; at += 4)
        good &= class[at[0]] & class[at[1]] & class[at[2]] & class[at[3]];
    for (; at < end; at++)
        good &= class[*at];
    return good;
}

bool syntax_is_token(const char *text, size_t length)
{
    return length > 0 && is_made_of(token, text, length);
}

bool syntax_is_host(const char *text, size_t length)
{
    return is_made_of(host, text, length);
}
