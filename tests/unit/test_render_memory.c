#include "render_fixture.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* Memory that gives out at the `fail_at`th allocation: from then on, or that once. */
static long fail_at, allocations, in_use;
static bool only_once;

static void *limited(size_t size)
{
    long this = allocations++;

    if (only_once ? this == fail_at : this >= fail_at)
        return NULL;
    in_use++;
    return malloc(size);
}

static void counted_free(void *memory)
{
    in_use -= memory != NULL;
    free(memory);
}

static void sweep(struct p0f_host host, enum render_format format)
{
    size_t length;
    char *whole = render_host(&addr, &host, format, &length), *text;

    json_set_alloc_funcs(limited, counted_free);
    for (fail_at = 0;; fail_at++) {
        allocations = in_use = 0;
        text = render_host(&addr, &host, format, &length);
        cr_assert_eq(in_use, 0, "%ld leaked at allocation %ld", in_use, fail_at);
        if (allocations <= fail_at)
            break;
        cr_assert(!text || strcmp(text, whole) == 0, "at allocation %ld: %s", fail_at, text);
        cr_assert(!text || only_once, "at allocation %ld", fail_at);
        free(text);
    }
    json_set_alloc_funcs(malloc, free);
    cr_assert_str_eq(text, whole);
    free(text), free(whole);
}

Test(render_memory, without_memory_is_null_and_leaks_nothing)
{
    struct p0f_host host = full_host();

    host.dialect = P0F_DIALECT_API2;
    host.last_freq = 0.5;
    for (int once = 0; once < 2; once++) {
        only_once = once;
        sweep(host, RENDER_PARSED);
        sweep(host, RENDER_RAW);
    }
}
