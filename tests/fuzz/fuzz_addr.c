/* SPDX-License-Identifier: MIT */
/* Any bytes are an address, which is read back from its own text, or are refused with a reason. */
#include "net/address_fault.h"
#include "p0fclient.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_reason(const char *text, size_t length)
{
    char detail[ADDRESS_FAULT_SIZE];

    memset(detail, '\n', sizeof detail);
    address_fault(text, length, detail);
    if (!memchr(detail, '\0', sizeof detail) || detail[0] == '\0')
        abort();
    for (const char *c = detail; *c; c++)
        if (*c < ' ' || *c > '~')
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct p0f_addr addr, again;
    char text[P0F_ADDR_TEXT_SIZE];

    if (p0f_addr_parse((const char *)data, size, &addr) != P0F_OK) {
        check_reason((const char *)data, size);
        return 0;
    }
    size_t length = p0f_addr_format(&addr, text);
    if (length != strlen(text) || p0f_addr_parse(text, length, &again) != P0F_OK ||
        memcmp(&addr, &again, sizeof addr) != 0)
        abort();
    return 0;
}
