/* SPDX-License-Identifier: MIT */
#include "lookup/host_record.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static const struct p0f_addr addr = {4, {192, 0, 2, 1}};

static struct p0f_host linux_host(void)
{
    return (struct p0f_host){.dialect = P0F_DIALECT_P0F3,
                             .first_seen = 1,
                             .total_conn = 2,
                             .os_name = "Linux",
                             .os_flavor = "3.11 and newer",
                             .language = "Fran\xe7"
                                         "ais"}; /* for this render needs memory */
}

static struct host_record *linux_answer(void)
{
    struct p0f_host host = linux_host();

    return host_record_new(&addr, &host, NULL, false);
}

Test(host_record, copies_the_host)
{
    struct p0f_host host = linux_host();
    struct host_record *record = host_record_new(&addr, &host, NULL, false);

    memset(&host, 'x', sizeof host);
    cr_assert_str_eq(host_record_host(record)->os_name, "Linux");
    cr_assert_eq(host_record_host(record)->total_conn, 2);
    host_record_unref(record);
}

Test(host_record, who_saw_it)
{
    struct p0f_host host = linux_host();
    struct host_record *record = host_record_new(&addr, &host, "web-1/wan", false);
    const char *end = ",\"sensor\":\"web-1/wan\"}\n";

    cr_assert_str_eq(host_record_sensor(record), "web-1/wan");
    for (enum render_format format = 0; format < RENDER_FORMATS; format++) {
        const struct host_record_body *body = host_record_body(record, format);
        cr_assert_str_eq(body->text + body->length - strlen(end), end, "%s", body->text);
    }
    host_record_unref(record);
    record = linux_answer();
    cr_assert_str_eq(host_record_sensor(record), "");
    host_record_unref(record);
}

/* For a short time, whatever is known of it. */
Test(host_record, how_long_it_is_kept)
{
    struct p0f_host host = linux_host(), nothing = {.total_conn = 1};
    const struct {
        const struct p0f_host *host;
        bool partial;
        enum recall_kind kind;
    } cases[] = {{&host, false, RECALL_HOST},
                 {&host, true, RECALL_INCOMPLETE},
                 {&nothing, false, RECALL_INCOMPLETE},
                 {&nothing, true, RECALL_INCOMPLETE}};

    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct host_record *record = host_record_new(&addr, cases[i].host, NULL, cases[i].partial);
        cr_assert_eq(host_record_entry(record)->kind, cases[i].kind, "case %u", i);
        host_record_unref(record);
    }
}

static void expect_body(enum render_format format)
{
    struct p0f_host host = linux_host();
    struct host_record *record = linux_answer();
    const struct host_record_body *body = host_record_body(record, format);
    char etag[ETAG_SIZE];
    size_t length;
    char *text = render_host(&addr, &host, NULL, format, &length);

    cr_assert_eq(body->length, length);
    cr_assert_str_eq(body->text, text);
    host_record_etag(text, length, etag);
    cr_assert_str_eq(body->etag, etag);
    cr_assert_eq(host_record_body(record, format), body, "rendered once");
    free(text);
    host_record_unref(record);
}

Test(host_record, body_is_what_render_makes_and_made_once)
{
    expect_body(RENDER_PARSED);
    expect_body(RENDER_RAW);
}

Test(host_record, formats_have_bodies_of_their_own)
{
    struct host_record *record = linux_answer();
    const struct host_record_body *raw = host_record_body(record, RENDER_RAW);
    const struct host_record_body *parsed = host_record_body(record, RENDER_PARSED);

    cr_assert_neq(raw, parsed);
    cr_assert_str_neq(raw->text, parsed->text);
    cr_assert_str_neq(raw->etag, parsed->etag);
    cr_assert_eq(host_record_body(record, RENDER_RAW), raw);
    host_record_unref(record);
}

Test(host_record, etag_is_quoted_hexadecimal)
{
    char etag[ETAG_SIZE];

    host_record_etag("abc", 3, etag);
    cr_assert_eq(strlen(etag), 18);
    cr_assert_eq(etag[0], '"');
    cr_assert_eq(strspn(etag + 1, "0123456789abcdef"), 16);
    cr_assert_eq(etag[17], '"');
}

Test(host_record, equal_bodies_have_equal_etags_and_others_do_not)
{
    struct host_record *a = linux_answer(), *b = linux_answer();
    struct p0f_host changed = linux_host();
    struct host_record *c;

    changed.total_conn++;
    c = host_record_new(&addr, &changed, NULL, false);
    cr_assert_str_eq(host_record_body(a, RENDER_PARSED)->etag,
                     host_record_body(b, RENDER_PARSED)->etag);
    cr_assert_str_neq(host_record_body(a, RENDER_PARSED)->etag,
                      host_record_body(c, RENDER_PARSED)->etag);
    host_record_unref(a);
    host_record_unref(b);
    host_record_unref(c);
}

Test(host_record, lives_until_the_last_reference)
{
    struct host_record *record = linux_answer();
    const struct host_record_body *body = host_record_body(record, RENDER_PARSED);

    cr_assert_eq(host_record_ref(record), record);
    cr_assert_eq(host_record_ref(record), record);
    host_record_unref(record);
    host_record_unref(record);
    cr_assert_str_eq(host_record_host(record)->os_name, "Linux");
    cr_assert_eq(host_record_body(record, RENDER_PARSED), body);
    host_record_unref(record); /* AddressSanitizer tells when this is one too few */
    host_record_unref(NULL);
}

static bool incomplete(const char *os, const char *http)
{
    struct p0f_host host = {.dialect = P0F_DIALECT_P0F3, .language = "English", .os_flavor = "x"};

    strcpy(host.os_name, os);
    strcpy(host.http_name, http);
    struct host_record *record = host_record_new(&addr, &host, NULL, false);
    bool result = host_record_entry(record)->kind == RECALL_INCOMPLETE;
    host_record_unref(record);
    return result;
}

Test(host_record, is_incomplete_without_both_os_and_application)
{
    cr_assert(incomplete("", ""));
    cr_assert_not(incomplete("Linux", ""));
    cr_assert_not(incomplete("", "Firefox"));
    cr_assert_not(incomplete("Linux", "Firefox"));
}

static void *no_memory(size_t size)
{
    (void)size;
    return NULL;
}

Test(host_record, without_memory_has_no_body_and_tries_again)
{
    struct host_record *record = linux_answer();

    json_set_alloc_funcs(no_memory, free);
    const struct host_record_body *body = host_record_body(record, RENDER_RAW);
    json_set_alloc_funcs(malloc, free);
    cr_assert_null(body);
    cr_assert_not_null(host_record_body(record, RENDER_RAW));
    host_record_unref(record);
}

Test(host_record, is_none_without_memory)
{
    json_set_alloc_funcs(no_memory, free);
    struct host_record *record = linux_answer();
    json_set_alloc_funcs(malloc, free);
    cr_assert_null(record);
}

Test(host_record, size_is_that_of_all_it_holds)
{
    struct host_record *record = linux_answer();
    size_t min = host_record_body(record, RENDER_PARSED)->length + sizeof(struct p0f_host);

    cr_assert_gt(host_record_entry(record)->cached.size, min + sizeof(struct recall_entry));
    cr_assert_lt(host_record_entry(record)->cached.size, min + 256);
    host_record_unref(record);
}

Test(host_record, entry_is_the_records)
{
    struct host_record *record = linux_answer();
    struct recall_entry *entry = host_record_entry(record);

    cr_assert_eq(host_record_of_entry(entry), record);
    cr_assert_arr_eq(&entry->cached.addr, &addr, sizeof addr);
    cr_assert_eq(entry->kind, RECALL_HOST);
    host_record_unref(record);
}

static void *ask_for_body(void *record)
{
    const struct host_record_body *body = host_record_body(record, RENDER_RAW);

    host_record_unref(record);
    return (void *)body;
}

Test(host_record, threads_that_render_at_once_get_the_same_body)
{
    for (int round = 0; round < 50; round++) {
        struct host_record *record = linux_answer();
        pthread_t thread[4];

        for (int i = 0; i < 4; i++)
            cr_assert_eq(pthread_create(&thread[i], NULL, ask_for_body, host_record_ref(record)),
                         0);
        const struct host_record_body *mine = host_record_body(record, RENDER_RAW);
        for (int i = 0; i < 4; i++) {
            void *theirs;
            pthread_join(thread[i], &theirs);
            cr_assert_eq(theirs, mine);
        }
        host_record_unref(record);
    }
}
