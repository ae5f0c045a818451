/* SPDX-License-Identifier: MIT */
#include "batch_results_fixture.h"

#include "../../support/c/short_memory.h"

#include <stdio.h>
#include <stdlib.h>

#define LONG 900 /* bytes of a text that makes the answer outgrow its first room */

static char json[LONG + 128];

static void setup_json(void)
{
    char text[LONG + 1] = "";

    setup();
    batch_body_init();
    memset(text, 'x', LONG);
    sprintf(json, "[\"10.0.0.1\",\"\\u00e9\",\"10.0.0.2\",\"10.0.0.9\",\"%s\",\"10.0.0.1\"]", text);
}

/* NULL when out of memory anywhere on the way. */
static char *answer_batch(const struct batch_terms *terms)
{
    struct batch_results *results = results_for(json, terms, RENDER_PARSED);

    if (!results)
        return NULL;
    finish_batch(batch_results_batch(results));
    char *text = results_text(results, LONG / 2); /* too little for one of them */
    batch_results_free(results);
    return text;
}

/* From the cache alone: nobody else's memory is taken meanwhile. */
static void sweep(const struct batch_terms *terms, bool only_once)
{
    char *whole = answer_batch(terms);

    cr_assert_not_null(whole);
    for (long fail_at = 0;; fail_at++) {
        memory_start(fail_at, only_once);
        char *text = answer_batch(terms);
        bool refused = memory_stop();
        cr_assert_eq(memory.in_use, text != NULL, "%ld leaked at allocation %ld", memory.in_use,
                     fail_at);
        cr_assert(!text || strcmp(text, whole) == 0, "at allocation %ld: %s", fail_at, text);
        cr_assert_eq(!text, refused, "at allocation %ld", fail_at);
        free(text);
        if (!refused)
            break;
    }
    free(whole);
}

Test(batch_results_memory, without_memory_is_null_and_leaks_nothing)
{
    const struct batch_terms terms = {.wait_ms = LOOKUP_WAIT_UNSET,
                                      .max_age_ms = LOOKUP_MAX_AGE_UNSET,
                                      .only_if_cached = true,
                                      .window = 2};
    struct visitor visitor;

    setup_json();
    ask_p0f(&visitor, "10.0.0.1");
    expect_done(&visitor, LOOKUP_FOUND);
    ask_p0f(&visitor, "10.0.0.2");
    expect_done(&visitor, LOOKUP_FOUND);
    sweep(&terms, false);
    sweep(&terms, true);
    teardown();
}

/* What cannot be asked for want of memory is said to be so, item by item. */
Test(batch_results_memory, without_memory_to_ask_with_is_overloaded)
{
    const struct batch_terms terms = {
        .wait_ms = 0, .max_age_ms = LOOKUP_MAX_AGE_UNSET, .window = 2};

    setup_json();
    struct batch_results *results = results_for(json, &terms, RENDER_PARSED);
    struct batch *batch = batch_results_batch(results);
    cr_assert(batch_recall(batch, 100));
    cr_assert_not(batch_answered(batch));
    memory_start(0, true);
    cr_assert_not(batch_admit(batch, lookup_flow(lookup, caller)));
    cr_assert(memory_stop());
    cr_assert_eq(lookup_pending(lookup), 0);
    char *text = results_text(results, 4096);
    cr_assert_not_null(
        strstr(text, "{\"query\":\"10.0.0.1\",\"status\":503,\"code\":\"overloaded\""), "%s", text);
    free(text);
    batch_results_free(results);
    teardown();
}

/* The raw form is made when it is first asked for. */
Test(batch_results_memory, without_memory_to_render_there_is_no_document)
{
    const struct batch_terms terms = {
        .wait_ms = 0, .max_age_ms = LOOKUP_MAX_AGE_UNSET, .window = 2};
    struct visitor visitor;

    setup_json();
    ask_p0f(&visitor, "10.0.0.1");
    expect_done(&visitor, LOOKUP_FOUND);
    for (int enough = 0; enough < 2; enough++) {
        struct batch_results *results = results_for("[\"10.0.0.1\"]", &terms, RENDER_RAW);
        if (!enough)
            memory_start(0, true);
        finish_batch(batch_results_batch(results));
        cr_assert(enough || memory_stop());
        cr_assert_eq(batch_results_length(results) > 0, enough);
        batch_results_free(results);
    }
    teardown();
}
