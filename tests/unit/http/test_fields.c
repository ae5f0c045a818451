/* SPDX-License-Identifier: MIT */
#include "http/fields.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static const struct client_header usual = {CLIENT_HEADER_X_FORWARDED_FOR, {"X-Forwarded-For", 15}};
static const struct fields none = {.client_header = &usual, .directives.max_age_ms = -1};

static void add(struct fields *fields, const char *name, const char *value)
{
    fields_add(fields, name, strlen(name), value, strlen(value));
}

static struct fields one(const char *name, const char *value)
{
    struct fields fields = none;

    add(&fields, name, value);
    return fields;
}

Test(fields, what_is_not_known_is_only_counted)
{
    struct fields fields = one("Accept-Language", "*");

    cr_assert_eq(fields.bytes, strlen("Accept-Language: *\r\n"));
    add(&fields, "X", "y");
    cr_assert_eq(fields.bytes, strlen("Accept-Language: *\r\nX: y\r\n"), "those of all fields");
    fields.bytes = 0;
    cr_assert_eq(memcmp(&fields, &none, sizeof none), 0);
}

Test(fields, names_are_read_in_any_case)
{
    cr_assert_str_eq(one("CONTENT-type", "text/plain").content_type, "text/plain");
    cr_assert_str_eq(one("origin", "http://a.example").origin, "http://a.example");
    cr_assert_eq(one("HOST", "x").hosts, 1);
    cr_assert_str_eq(one("HOST", "x").host, "x");
    cr_assert(one("access-control-request-METHOD", "PUT").preflight);
    cr_assert_eq(one("cache-control", "no-cache").directives.max_age_ms, 0);
}

Test(fields, private_network)
{
    cr_assert(one("access-control-request-private-network", "true").private_network);
    cr_assert_not(one("Access-Control-Request-Private-Network", "false").private_network);
    cr_assert_not(one("Access-Control-Request-Private-Network", "").private_network);
}

Test(fields, others_of_the_same_length_are_not_taken_for_them)
{
    const char *names[] = {"Hose",
                           "Accents",
                           "Accent",
                           "Orange",
                           "Content-Tape",
                           "If-None-Watch",
                           "Cache-Contrel",
                           "Content-Lengtx",
                           "X-Forwarded-Far",
                           "Content-Encodinx",
                           "Transfer-Encodinx",
                           "Access-Control-Request-Methox",
                           "Access-Control-Request-Private-Networx"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct fields fields = one(names[i], "7");
        fields.bytes = 0;
        cr_assert_eq(memcmp(&fields, &none, sizeof none), 0, "%s", names[i]);
    }
}

Test(fields, encodings_of_the_content)
{
    cr_assert(one("Content-Encoding", "gzip").encoded);
    cr_assert_not(one("Content-Encoding", "Identity").encoded);
}

Test(fields, names_that_are_no_token)
{
    cr_assert(one("", "x").bad_name);
    cr_assert(one("A B", "x").bad_name);
    cr_assert(one("Host ", "x").bad_name);
    cr_assert_not(one("A-B", "x").bad_name);
}

Test(fields, hosts)
{
    cr_assert_not(one("Host", "a.example:80").bad_host);
    cr_assert_not(one("Host", "a.example \t").bad_host);
    cr_assert_not(one("Host", "").bad_host);
    cr_assert(one("Host", "a b").bad_host);
    cr_assert(one("Host", " a").bad_host);
    struct fields fields = one("Host", "a b");
    add(&fields, "Host", "a");
    cr_assert(fields.bad_host, "the first is still bad");
    cr_assert_eq(fields.hosts, 2);
}

/* ---- Values */

static void expect_values(unsigned count)
{
    struct fields fields = none;
    char values[40][8];

    for (unsigned i = 0; i < count; i++) {
        snprintf(values[i], sizeof values[i], "%u", i);
        add(&fields, "If-None-Match", values[i]);
        add(&fields, "X-Forwarded-For", values[i]);
    }
    cr_assert_eq(fields.none_match.count, count);
    cr_assert_eq(fields.client.count, count);
    for (unsigned i = 0; i < count; i++) {
        cr_assert_eq(field_values_array(&fields.none_match)[i], values[i], "%u of %u", i, count);
        cr_assert_eq(field_values_array(&fields.client)[i], values[i], "%u of %u", i, count);
    }
    cr_assert_eq(fields.none_match.all != NULL, count > 1);
    fields_free(&fields);
    cr_assert_eq(fields.none_match.count, 0);
    cr_assert_eq(fields.client.count, 0);
}

Test(fields, all_values_are_kept_in_their_order)
{
    for (unsigned count = 0; count <= 40; count++)
        expect_values(count);
}

/* ---- The body */

Test(fields, a_body_is_announced)
{
    cr_assert_not(fields_announce_body(&none));
    struct fields fields = one("Content-Length", "0");
    cr_assert_not(fields_announce_body(&fields));
    fields = one("Content-Length", "7");
    cr_assert(fields_announce_body(&fields));
    cr_assert_eq(fields.content_length, 7);
    fields = one("Transfer-Encoding", "Chunked");
    cr_assert(fields_announce_body(&fields));
    fields = one("Transfer-Encoding", "gzip");
    cr_assert_not(fields_announce_body(&fields));
    fields = one("Content-Length ", "7");
    cr_assert(fields_announce_body(&fields), "behind a name that libmicrohttpd does not know");
}

static void expect_ambiguous(bool expected, const char *const *pairs, const char *version)
{
    struct fields fields = none;

    for (; pairs[0]; pairs += 2)
        add(&fields, pairs[0], pairs[1]);
    cr_assert_eq(fields_are_ambiguous(&fields, version), expected);
}

#define LENGTH "Content-Length"
#define CODING "Transfer-Encoding"
#define FIELDS(...) ((const char *const[]){__VA_ARGS__, NULL})

Test(fields, lengths_that_can_be_read_differently)
{
    expect_ambiguous(false, FIELDS("Host", "x"), "HTTP/1.1");
    expect_ambiguous(false, FIELDS(LENGTH, "7"), "HTTP/1.1");
    expect_ambiguous(false, FIELDS(LENGTH, "7"), "HTTP/1.0");
    expect_ambiguous(false, FIELDS(CODING, "chunked"), "HTTP/1.1");
    expect_ambiguous(true, FIELDS(CODING, "chunked"), "HTTP/1.0");
    expect_ambiguous(true, FIELDS(CODING, "gzip"), "HTTP/1.1");
    expect_ambiguous(true, FIELDS(CODING, "chunked", LENGTH, "7"), "HTTP/1.1");
    expect_ambiguous(true, FIELDS(LENGTH, "7", LENGTH, "7"), "HTTP/1.1");
    expect_ambiguous(true, FIELDS(CODING, "chunked", CODING, "chunked"), "HTTP/1.1");
    expect_ambiguous(true, FIELDS("Transfer-Encoding\t", "x"), "HTTP/1.1");
    expect_ambiguous(true, FIELDS("content-length", "7", "Content-Length9", "x"), "HTTP/1.1");
}

Test(fields, the_client_is_read_from_the_field_in_the_settings)
{
    const struct client_header header = {CLIENT_HEADER_ADDRESS, {"x-Real-ip", 9}};
    struct fields fields = {.client_header = &header};

    add(&fields, "X-Forwarded-For", "1");
    add(&fields, "X-Real-I", "2");
    add(&fields, "X-Real-IQ", "3");
    add(&fields, "X-Real-IP-", "4");
    cr_assert_eq(fields.client.count, 0);
    add(&fields, "X-Real-IP", "5");
    add(&fields, "x-real-ip", "6");
    cr_assert_eq(fields.client.count, 2);
    cr_assert_str_eq(field_values_array(&fields.client)[0], "5");
    cr_assert_str_eq(field_values_array(&fields.client)[1], "6");
    fields_free(&fields);
}
