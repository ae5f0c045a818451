/* SPDX-License-Identifier: MIT */
#include "http/accept.h"

#include <criterion/criterion.h>

#define LINES "application/x-ndjson"
#define JSON "application/json"

/* Whether lines are preferred to JSON, of which every answer is without a preference. */
static bool prefers_lines(const char *field)
{
    const struct field_values one = {.count = 1, .first = field};

    return accept_prefers(&one, LINES, JSON);
}

static void expect_lines(const char *const *fields)
{
    for (; *fields; fields++)
        cr_assert(prefers_lines(*fields), "%s", *fields);
}

static void expect_json(const char *const *fields)
{
    for (; *fields; fields++)
        cr_assert_not(prefers_lines(*fields), "%s", *fields);
}

Test(accept, named)
{
    expect_lines((const char *const[]){LINES, "Application/X-NDJSON", " \tapplication/x-ndjson ",
                                       LINES ";charset=utf-8", "text/html , " LINES " ;q=0.1",
                                       ",, ," LINES ",", NULL});
    expect_json((const char *const[]){JSON, "text/csv", "application/ndjson",
                                      "application/x-ndjsonl", "application/x-ndjso",
                                      "x-application/x-ndjson", "", ",", ";", "/", NULL});
}

Test(accept, no_field_is_no_preference)
{
    cr_assert_not(accept_prefers(&(struct field_values){0}, LINES, JSON));
}

Test(accept, ranges_are_no_preference)
{
    expect_json((const char *const[]){"*/*", "application/*", "*/*;q=0.1",
                                      "application/*, */*;q=0.5", "*", "*/x-ndjson", "appl/*",
                                      "application/**", "x*/*", NULL});
}

Test(accept, quality_decides)
{
    expect_lines((const char *const[]){
        JSON ";q=0.9, " LINES, JSON ";q=0.899," LINES ";q=0.9", JSON "; Q=0 ," LINES ";q=0.001",
        "*/*, " JSON ";q=0.5", LINES ";q=0.8, */*;q=0.7", LINES ";a=b;q=1.000, " JSON ";q=.9",
        JSON ";q=0.5;x=1," LINES ";q=0.6", NULL});
    expect_json((const char *const[]){JSON ", " LINES ";q=0.9", LINES ";q=0", LINES ";q=0.0, */*",
                                      LINES ";q=0, " JSON ";q=0", LINES ";q=0.7, */*;q=0.8",
                                      LINES ";q=0.4;x=1, " JSON ";q=0.5", NULL});
}

/* At the same quality: what is named is meant more than what is only not excluded, and who names both
 * begins with what he would rather have. */
Test(accept, then_the_more_specific_one_then_the_first)
{
    expect_lines((const char *const[]){LINES ", */*", "*/*, " LINES, LINES ", application/*",
                                       LINES ", " JSON, LINES ";q=0.5, " JSON ";q=0.5", NULL});
    expect_json((const char *const[]){JSON ", */*", "application/*, " JSON, JSON ", " LINES,
                                      JSON ", text/plain, */*", NULL});
}

/* The most specific range counts, not the best. */
Test(accept, a_range_does_not_override_a_type)
{
    expect_lines((const char *const[]){JSON ";q=0, application/*", JSON ";q=0.1, */*;q=0.2", NULL});
    expect_json((const char *const[]){LINES ";q=0.1, " JSON ";q=0.2, */*",
                                      "application/*;q=0.1, */*", NULL});
}

Test(accept, several_fields_are_one_list)
{
    const char *all[] = {"text/html", JSON ";q=0.5, text/csv", LINES ";q=0.6"};
    const struct field_values three = {.count = 3, .first = all[0], .all = all};
    const struct field_values two = {.count = 2, .first = all[0], .all = all};

    cr_assert(accept_prefers(&three, LINES, JSON));
    cr_assert_not(accept_prefers(&two, LINES, JSON));
}

Test(accept, a_malformed_quality_does_not_count)
{
    expect_json((const char *const[]){LINES ";q=", LINES ";q=x", LINES ";q=2", LINES ";q=1.1",
                                      LINES ";q=-1", LINES ";q=0x1", LINES ";q=00.5",
                                      LINES ";q=0.5x", LINES ";q=1.001", JSON ";q=x, */*", NULL});
}
