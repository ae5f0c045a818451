/* SPDX-License-Identifier: MIT */
#include "core/strbuf.h"

#include "core/number.h"

void strbuf_put_number(struct strbuf *buf, int64_t value)
{
    char digits[NUMBER_SIZE];

    strbuf_put(buf, digits, number_format(value, digits));
}
