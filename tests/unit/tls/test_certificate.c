/* SPDX-License-Identifier: MIT */
#include "certificate_fixture.h"
#include "tls/current.h"

#include <errno.h>
#include <sys/stat.h>

#define DAY ((int64_t)24 * 60 * 60)

Test(certificate, facts, .init = write_files, .fini = remove_files)
{
    struct tls_certificate *certificate = load_files();
    const struct tls_facts *facts = tls_certificate_facts(certificate);

    cr_assert_str_eq(facts->subject, "CN=unit");
    cr_assert_str_eq(facts->issuer, "CN=unit");
    cr_assert_eq(strlen(facts->fingerprint), 64);
    cr_assert_eq(facts->not_after - facts->not_before, 9000 * DAY);
    tls_certificate_unref(certificate);
}

Test(certificate, warnings)
{
    const struct tls_facts facts = {.not_before = 100 * DAY, .not_after = 190 * DAY};
    char warning[TLS_WARNING_SIZE];

    cr_assert(tls_facts_warn(&facts, 100 * DAY - 1, warning));
    cr_assert_not_null(strstr(warning, "not valid before 1970-04-11"), "%s", warning);
    cr_assert_not(tls_facts_warn(&facts, 100 * DAY, warning));
    cr_assert_not(tls_facts_warn(&facts, 176 * DAY, warning));
    cr_assert(tls_facts_warn(&facts, 176 * DAY + 1, warning));
    cr_assert_not_null(strstr(warning, "in 13 days"), "%s", warning);
    cr_assert(tls_facts_warn(&facts, 190 * DAY, warning));
    cr_assert_not_null(strstr(warning, "expired on 1970-07-10"), "%s", warning);
}

Test(certificate, whose_fault, .init = write_files, .fini = remove_files)
{
    char error[TLS_ERROR_SIZE];
    bool of_key = false;

    cr_assert_eq(chmod(key_path, 0644), 0);
    cr_assert_null(tls_certificate_load(&files, error, &of_key));
    cr_assert(of_key && errno == EINVAL, "%s", error);
    unlink(certificate_path);
    cr_assert_null(tls_certificate_load(&files, error, &of_key));
    cr_assert(!of_key && strstr(error, "no such file"), "%s", error);
}

/* Whoever has the old one keeps it. */
Test(certificate, another_one_in_its_place, .init = write_files, .fini = remove_files)
{
    struct tls_current *current = tls_current_new(load_files());
    struct tls_certificate *first = tls_current_get(current), *second = load_files();

    tls_current_set(current, second);
    struct tls_certificate *now = tls_current_get(current);
    cr_assert_eq(now, second);
    tls_current_free(current);
    cr_assert_str_eq(tls_certificate_facts(first)->subject, "CN=unit");
    tls_certificate_unref(first);
    tls_certificate_unref(now);
}
