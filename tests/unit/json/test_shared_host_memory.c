/* SPDX-License-Identifier: MIT */
#include "../../support/c/jansson_memory.h"
#include "json/shared_host.h"

static char *write_value(const void *host)
{
    const struct p0f_addr addr = {4, {192, 0, 2, 1}};
    char value[SHARED_HOST_MAX];
    size_t length = shared_host_write(&addr, host, "a", 1700000000, value);

    return length ? strndup(value, length) : NULL;
}

Test(shared_host_memory, without_memory_nothing_is_written)
{
    const struct p0f_host host = {.dialect = P0F_DIALECT_API2, .last_freq = 0.5, .os_name = "\xe9"};

    jansson_starve(write_value, &host);
}
