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

static struct answer *linux_answer(void)
{
    struct p0f_host host = linux_host();

    return answer_new(&addr, &host);
}

Test(answer, copies_the_host)
{
    struct p0f_host host = linux_host();
    struct answer *answer = answer_new(&addr, &host);

    memset(&host, 'x', sizeof host);
    cr_assert_str_eq(answer_host(answer)->os_name, "Linux");
    cr_assert_eq(answer_host(answer)->total_conn, 2);
    answer_unref(answer);
}

static void expect_body(enum render_format format)
{
    struct p0f_host host = linux_host();
    struct answer *answer = linux_answer();
    const struct answer_body *body = answer_body(answer, format);
    char etag[ANSWER_ETAG_SIZE];
    size_t length;
    char *text = render_host(&addr, &host, format, &length);

    cr_assert_eq(body->length, length);
    cr_assert_str_eq(body->text, text);
    answer_etag(text, length, etag);
    cr_assert_str_eq(body->etag, etag);
    cr_assert_eq(answer_body(answer, format), body, "rendered once");
    free(text);
    answer_unref(answer);
}

Test(answer, body_is_what_render_makes_and_made_once)
{
    expect_body(RENDER_PARSED);
    expect_body(RENDER_RAW);
}

Test(answer, formats_have_bodies_of_their_own)
{
    struct answer *answer = linux_answer();
    const struct answer_body *raw = answer_body(answer, RENDER_RAW);
    const struct answer_body *parsed = answer_body(answer, RENDER_PARSED);

    cr_assert_neq(raw, parsed);
    cr_assert_str_neq(raw->text, parsed->text);
    cr_assert_str_neq(raw->etag, parsed->etag);
    cr_assert_eq(answer_body(answer, RENDER_RAW), raw);
    answer_unref(answer);
}

Test(answer, etag_is_quoted_hexadecimal)
{
    char etag[ANSWER_ETAG_SIZE];

    answer_etag("abc", 3, etag);
    cr_assert_eq(strlen(etag), 18);
    cr_assert_eq(etag[0], '"');
    cr_assert_eq(strspn(etag + 1, "0123456789abcdef"), 16);
    cr_assert_eq(etag[17], '"');
}

Test(answer, equal_bodies_have_equal_etags_and_others_do_not)
{
    struct answer *a = linux_answer(), *b = linux_answer();
    struct p0f_host changed = linux_host();
    struct answer *c;

    changed.total_conn++;
    c = answer_new(&addr, &changed);
    cr_assert_str_eq(answer_body(a, RENDER_PARSED)->etag, answer_body(b, RENDER_PARSED)->etag);
    cr_assert_str_neq(answer_body(a, RENDER_PARSED)->etag, answer_body(c, RENDER_PARSED)->etag);
    answer_unref(a);
    answer_unref(b);
    answer_unref(c);
}

Test(answer, lives_until_the_last_reference)
{
    struct answer *answer = linux_answer();
    const struct answer_body *body = answer_body(answer, RENDER_PARSED);

    cr_assert_eq(answer_ref(answer), answer);
    cr_assert_eq(answer_ref(answer), answer);
    answer_unref(answer);
    answer_unref(answer);
    cr_assert_str_eq(answer_host(answer)->os_name, "Linux");
    cr_assert_eq(answer_body(answer, RENDER_PARSED), body);
    answer_unref(answer); /* AddressSanitizer tells when this is one too few */
    answer_unref(NULL);
}

static bool incomplete(const char *os, const char *http)
{
    struct p0f_host host = {.dialect = P0F_DIALECT_P0F3, .language = "English", .os_flavor = "x"};

    strcpy(host.os_name, os);
    strcpy(host.http_name, http);
    struct answer *answer = answer_new(&addr, &host);
    bool result = answer_incomplete(answer);
    answer_unref(answer);
    return result;
}

Test(answer, is_incomplete_without_both_os_and_application)
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

Test(answer, without_memory_has_no_body_and_tries_again)
{
    struct answer *answer = linux_answer();

    json_set_alloc_funcs(no_memory, free);
    const struct answer_body *body = answer_body(answer, RENDER_RAW);
    json_set_alloc_funcs(malloc, free);
    cr_assert_null(body);
    cr_assert_not_null(answer_body(answer, RENDER_RAW));
    answer_unref(answer);
}

Test(answer, is_none_without_memory)
{
    json_set_alloc_funcs(no_memory, free);
    struct answer *answer = linux_answer();
    json_set_alloc_funcs(malloc, free);
    cr_assert_null(answer);
}

Test(answer, size_is_that_of_all_it_holds)
{
    struct answer *answer = linux_answer();
    size_t least = answer_body(answer, RENDER_PARSED)->length + sizeof(struct p0f_host);

    cr_assert_gt(answer_size(answer), least + sizeof(struct entry));
    cr_assert_lt(answer_size(answer), least + 256);
    answer_unref(answer);
}

Test(answer, entry_is_the_answers)
{
    struct answer *answer = linux_answer();
    struct entry *entry = answer_entry(answer);

    cr_assert_eq(answer_of_entry(entry), answer);
    cr_assert_arr_eq(&entry->addr, &addr, sizeof addr);
    cr_assert_eq(entry->kind, ENTRY_HOST);
    answer_unref(answer);
}

static void *ask_for_body(void *answer)
{
    const struct answer_body *body = answer_body(answer, RENDER_RAW);

    answer_unref(answer);
    return (void *)body;
}

Test(answer, threads_that_render_at_once_get_the_same_body)
{
    for (int round = 0; round < 50; round++) {
        struct answer *answer = linux_answer();
        pthread_t thread[4];

        for (int i = 0; i < 4; i++)
            cr_assert_eq(pthread_create(&thread[i], NULL, ask_for_body, answer_ref(answer)), 0);
        const struct answer_body *mine = answer_body(answer, RENDER_RAW);
        for (int i = 0; i < 4; i++) {
            void *theirs;
            pthread_join(thread[i], &theirs);
            cr_assert_eq(theirs, mine);
        }
        answer_unref(answer);
    }
}
