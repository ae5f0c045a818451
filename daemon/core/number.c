/* SPDX-License-Identifier: MIT */
#include "core/number.h"

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

bool number_parse(struct span digits, uint64_t max, uint64_t *number)
{
    uint64_t value = 0;

    if (digits.length == 0)
        return false;
    for (size_t i = 0; i < digits.length; i++) {
        if (!is_digit(digits.at[i]))
            return false;
        uint64_t digit = (uint64_t)(digits.at[i] - '0');
        if (digit > max || value > (max - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *number = value;
    return true;
}

size_t number_digits(struct span text)
{
    size_t count = 0;

    while (count < text.length && is_digit(text.at[count]))
        count++;
    return count;
}
