/* SPDX-License-Identifier: MIT */
/* Any bytes are an address or are refused; one that is taken is read back from its own text. */
#include "p0fclient.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct p0f_addr addr, again;
    char text[P0F_ADDR_TEXT_SIZE];

    if (p0f_addr_parse((const char *)data, size, &addr) != P0F_OK)
        return 0;
    size_t length = p0f_addr_format(&addr, text);
    if (length != strlen(text) || p0f_addr_parse(text, length, &again) != P0F_OK ||
        memcmp(&addr, &again, sizeof addr) != 0)
        abort();
    return 0;
}
