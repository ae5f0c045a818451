/* SPDX-License-Identifier: MIT */
#include "../../support/c/jansson_memory.h"
#include "render_fixture.h"

static char *render_as_parsed(const void *host)
{
    size_t length;

    return render_host(&addr, host, NULL, RENDER_PARSED, &length);
}

static char *render_as_raw(const void *host)
{
    size_t length;

    return render_host(&addr, host, NULL, RENDER_RAW, &length);
}

/* Only a text that is not plain takes any. */
static char *render_as_problem(const void *detail)
{
    size_t length;

    return render_problem(&(struct render_problem){400, "c", "T", detail, &addr}, &length);
}

Test(render_memory, without_memory_is_null_and_leaks_nothing)
{
    struct p0f_host host = full_host();

    host.dialect = P0F_DIALECT_API2;
    host.last_freq = 0.5;
    jansson_starve(render_as_parsed, &host);
    jansson_starve(render_as_raw, &host);
    jansson_starve(render_as_problem, "caf\xe9");
}
