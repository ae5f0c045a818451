/* SPDX-License-Identifier: MIT */
/* Any bytes are a request target: it is read without reading beyond its end, a taken address is
 * canonical, and whatever the detail repeats of it is printable. */
#include "http/routes.h"
#include "http/target.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct target target;
    const struct p0f_addr *addr;

    target_parse((const char *)data, size, &routes, &target);
    addr = target_addr(&target);
    if (addr && addr->type != 4 && addr->type != 6)
        abort();
    if (target.wait_ms < LOOKUP_WAIT_UNSET ||
        (target.error == TARGET_OK && target.wait_ms > TARGET_WAIT_MAX))
        abort();
    for (const char *c = target.detail; *c; c++)
        if (*c < ' ' || *c > '~')
            abort();
    return 0;
}
