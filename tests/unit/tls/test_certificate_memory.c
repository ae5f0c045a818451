/* SPDX-License-Identifier: MIT */
/* Loading a certificate when there is no memory: of ours, not of GnuTLS's. */
#include "certificate_fixture.h"

#include "../../support/c/short_memory.h"
#include "tls/current.h"

Test(certificate_memory, loading, .init = write_files, .fini = remove_files)
{
    char error[TLS_ERROR_SIZE];
    bool of_key;
    long fail_at = 0;

    for (;; fail_at++) {
        memory_start(fail_at, true);
        struct tls_certificate *certificate = tls_certificate_load(&files, error, &of_key);
        int problem = errno;
        if (!memory_stop()) {
            tls_certificate_unref(certificate);
            break;
        }
        cr_assert_null(certificate, "allocation %ld", fail_at);
        cr_assert_eq(problem, ENOMEM, "allocation %ld: %s", fail_at, error);
        cr_assert_eq(memory.in_use, 0, "%ld leaked at allocation %ld", memory.in_use, fail_at);
    }
    cr_assert_eq(fail_at, 3);
}

Test(certificate_memory, current, .init = write_files, .fini = remove_files)
{
    struct tls_certificate *certificate = load_files();

    tls_certificate_ref(certificate);
    memory_start(0, true);
    cr_assert_null(tls_current_new(certificate));
    memory_stop();
    tls_certificate_unref(certificate);
}
