/* SPDX-License-Identifier: MIT */
#include "batch_results_fixture.h"

static const struct batch_terms usual = {
    .wait_ms = LOOKUP_WAIT_UNSET, .max_age_ms = LOOKUP_MAX_AGE_UNSET, .window = 4};

static void setup_batches(void)
{
    const struct lookup_limits limits = {
        .timeout = 1000, .first_contact_wait = 20, .max_pending = 100};

    setup();
    lookup_set_limits(lookup, &limits);
}

static char *answer_in(const char *json, enum render_format format, enum render_results form,
                       size_t room)
{
    struct batch_results *results = results_in(json, &usual, format, form);

    finish_batch(batch_results_batch(results));
    char *text = results_text(results, room);
    cr_assert_not_null(text);
    batch_results_free(results);
    return text;
}

static char *answer(const char *json, enum render_format format, size_t room)
{
    return answer_in(json, format, RENDER_RESULTS_ARRAY, room);
}

static void expect_begin(const char *text, const char *expected)
{
    cr_assert_eq(strncmp(text, expected, strlen(expected)), 0, "%s", text);
}

Test(batch_results, are_in_the_order_of_the_items)
{
    setup_batches();
    char *text = answer("[\"192.0.2.1\",\"10.0.0.1\",\"no\\tone\",\"::ffff:10.0.0.1\"]",
                        RENDER_PARSED, 4096);
    const char *expected =
        "[{\"query\":\"192.0.2.1\",\"status\":404,\"code\":\"no-match\",\"detail\":\"p0f does not "
        "know 192.0.2.1\"},{\"query\":\"10.0.0.1\",\"status\":200,\"host\":{\"ip\":\"10.0.0.1\"";
    expect_begin(text, expected);
    expected = "},{\"query\":\"no\\u0009one\",\"status\":400,\"code\":\"bad-address\",\"detail\":"
               "\"a character that is not printable "
               "ASCII\"},{\"query\":\"::ffff:10.0.0.1\",\"status\":200,";
    cr_assert_not_null(strstr(text, expected), "%s", text);
    cr_assert_str_eq(text + strlen(text) - 4, "}}]\n");
    free(text);
    teardown();
}

Test(batch_results, of_texts_that_are_no_addresses)
{
    setup_batches();
    char *text = answer("[\"*\",\"::1 \"]", RENDER_PARSED, 4096);
    cr_assert_str_eq(
        text,
        "[{\"query\":\"*\",\"status\":400,\"code\":\"bad-address\",\"detail\":\"not an "
        "IPv4 or IPv6 address\"},{\"query\":\"::1 \",\"status\":400,\"code\":"
        "\"bad-address\",\"detail\":\"leading or trailing whitespace; did you mean ::1?\"}]\n");
    free(text);
    teardown();
}

/* Of values that p0f cannot mean, the parsed form would be wrong; the raw one shows them. */
Test(batch_results, a_host_that_is_not_valid)
{
    const struct p0f_host nonsense = {.bad_sw = 7};
    struct p0f_addr addr = stage_addr("10.0.0.3");

    setup_batches();
    struct host_record *record = host_record_new(&addr, &nonsense, NULL, false);
    cr_assert(recall_put(recall, &addr, record, stage_boottime()));
    host_record_unref(record);
    char *text = answer("[\"10.0.0.3\",\"10.0.0.1\"]", RENDER_PARSED, 4096);
    expect_begin(text, "[{\"query\":\"10.0.0.3\",\"status\":502,\"code\":\"bad-response\",");
    cr_assert_not_null(strstr(text, "{\"query\":\"10.0.0.1\",\"status\":200,\"host\""), "%s", text);
    free(text);
    text = answer("[\"10.0.0.3\"]", RENDER_RAW, 4096);
    expect_begin(text, "[{\"query\":\"10.0.0.3\",\"status\":200,\"host\":{\"ip\":\"10.0.0.3\"");
    cr_assert_not_null(strstr(text, "\"bad_sw\":7,"), "%s", text);
    free(text);
    teardown();
}

/* Results longer than there is room for, and just as long, are read in parts. */
Test(batch_results, are_read_with_any_room)
{
    const char *json = "[\"10.0.0.1\",\"nobody\",\"10.0.0.2\",\"10.0.0.1\"]";

    setup_batches();
    for (enum render_results form = RENDER_RESULTS_ARRAY; form <= RENDER_RESULTS_LINES; form++) {
        char *whole = answer_in(json, RENDER_PARSED, form, 1 << 16);
        for (size_t room = 16; room < 1200; room += room < 600 ? 7 : 1) {
            char *text = answer_in(json, RENDER_PARSED, form, room);
            cr_assert_str_eq(text, whole, "%zu: %s", room, text);
            free(text);
        }
        free(whole);
    }
    teardown();
}

Test(batch_results, on_lines)
{
    setup_batches();
    char *text = answer_in("[\"*\",\"\\n\"]", RENDER_PARSED, RENDER_RESULTS_LINES, 4096);
    cr_assert_str_eq(text, "{\"query\":\"*\",\"status\":400,\"code\":\"bad-address\",\"detail\":"
                           "\"not an IPv4 or IPv6 address\"}\n{\"query\":\"\\u000a\",\"status\":"
                           "400,\"code\":\"bad-address\",\"detail\":\"not an IPv4 or IPv6 "
                           "address\"}\n");
    free(text);
    teardown();
}
