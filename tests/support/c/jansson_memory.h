/* SPDX-License-Identifier: MIT */
/* Runs what renders JSON with a jansson whose memory gives out, at one allocation after the other,
 * from then on or that once. What comes of it is NULL or the whole text, and nothing leaks. */
#ifndef JANSSON_MEMORY_H
#define JANSSON_MEMORY_H

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static struct {
    long fail_at, allocations, in_use;
    bool only_once;
} jansson;

static inline void *jansson_malloc_limited(size_t size)
{
    long this = jansson.allocations++;

    if (jansson.only_once ? this == jansson.fail_at : this >= jansson.fail_at)
        return NULL;
    jansson.in_use++;
    return malloc(size);
}

static inline void jansson_free_counted(void *memory)
{
    jansson.in_use -= memory != NULL;
    free(memory);
}

/* `render` returns a text to free. */
static inline void jansson_starve_this_way(char *(*render)(const void *ctx), const void *ctx)
{
    char *whole = render(ctx), *text;

    json_set_alloc_funcs(jansson_malloc_limited, jansson_free_counted);
    for (jansson.fail_at = 0;; jansson.fail_at++) {
        jansson.allocations = jansson.in_use = 0;
        text = render(ctx);
        cr_assert_eq(jansson.in_use, 0, "%ld leaked at allocation %ld", jansson.in_use,
                     jansson.fail_at);
        if (jansson.allocations <= jansson.fail_at)
            break;
        cr_assert(!text || strcmp(text, whole) == 0, "at allocation %ld: %s", jansson.fail_at,
                  text);
        cr_assert(!text || jansson.only_once, "at allocation %ld", jansson.fail_at);
        free(text);
    }
    json_set_alloc_funcs(malloc, free);
    cr_assert_str_eq(text, whole);
    free(text), free(whole);
}

static inline void jansson_starve(char *(*render)(const void *ctx), const void *ctx)
{
    for (int once = 0; once < 2; once++) {
        jansson.only_once = once;
        jansson_starve_this_way(render, ctx);
    }
}

#endif
