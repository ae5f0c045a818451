/* SPDX-License-Identifier: MIT */
#include "http/media_type.h"

#include <criterion/criterion.h>

Test(media_type, json)
{
    const char *fields[] = {"application/json",
                            "Application/JSON",
                            " application/json\t",
                            "application/json;charset=utf-8",
                            "application/json; charset=UTF-8",
                            "application/json ; Charset=\"utf-8\" ",
                            "application/json;",
                            "application/json;;charset=utf-8",
                            "application/json; charset=utf-8 ; ",
                            "application/json; charset=utf-8; version=2",
                            "application/json; version=2",
                            "application/json; charset=us-ascii",
                            "application/json; charset=\"US-ASCII\"",
                            "application/json; a=\"b; \\\"c\"; charset=utf-8"};

    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        cr_assert(media_type_is(fields[i], "application/json"), "\"%s\"", fields[i]);
}

Test(media_type, not_json)
{
    const char *fields[] = {"",
                            " ",
                            "application",
                            "application/jso",
                            "application/jsonx",
                            "application/json-seq",
                            "application/json, text/plain",
                            "application/json application/json",
                            "application/json; charset=latin1",
                            "application/json; charset=utf-16",
                            "application/json; charset=utf-80",
                            "application/json; charset=utf",
                            "application/json; charset=\"",
                            "application/json; charset=\"utf-8",
                            "application/json; charset=utf-8\"",
                            "application/json; charset=",
                            "application/json; charset",
                            "application/json; version",
                            "application/json; version=",
                            "application/json; =2",
                            "application/json; a=\"b",
                            "application/json; a=\"b\\",
                            "application/json; charset=\"\"",
                            "application/json;; charset=latin1",
                            "application/json; charset=utf-8; charset=latin1",
                            "application/problem+json",
                            "text/json",
                            "text/plain",
                            "*/*",
                            "application/x-www-form-urlencoded"};

    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        cr_assert_not(media_type_is(fields[i], "application/json"), "\"%s\"", fields[i]);
}

Test(media_type, of_other_types)
{
    cr_assert(media_type_is("text/plain;charset=UTF-8", "text/plain"));
    cr_assert(media_type_is("Text/Plain", "text/plain"));
    cr_assert_not(media_type_is("text/plain; charset=iso-8859-1", "text/plain"));
    cr_assert_not(media_type_is("text/plainer", "text/plain"));
    cr_assert_not(media_type_is("application/json", "text/plain"));
}
