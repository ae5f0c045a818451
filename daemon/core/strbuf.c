/* SPDX-License-Identifier: MIT */
#include "core/strbuf.h"

#include "core/number.h"

void strbuf_put_number(struct strbuf *buf, int64_t value)
{
    char digits[NUMBER_SIZE];
    size_t length = number_format(value, digits);

    strbuf_put(buf, digits, length);
}
