/* SPDX-License-Identifier: MIT */
/* A certificate of its own, P-256 and valid for years, in files. */
#ifndef CERTIFICATE_FIXTURE_H
#define CERTIFICATE_FIXTURE_H

#include "tls/certificate.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char certificate_pem[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBdTCCARugAwIBAgIUK/2fSckYiIxiAMbBMdQKZhI6ac0wCgYIKoZIzj0EAwIw\n"
    "DzENMAsGA1UEAwwEdW5pdDAgFw0yNjExMjkwNzM4NTZaGA8yMDUxMDcyMTA3Mzg1\n"
    "NlowDzENMAsGA1UEAwwEdW5pdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABFMu\n"
    "SUSNqzeCG3+0ZfI6s48m9zvNVQsQFRYAgjDFwLXwnSpy6LxuwvYQrbz6JPGY39nM\n"
    "JcRYwoZA+aEzgw99rXOjUzBRMB0GA1UdDgQWBBS0x3mwKihue+gV/RFjrtXE87iU\n"
    "dDAfBgNVHSMEGDAWgBS0x3mwKihue+gV/RFjrtXE87iUdDAPBgNVHRMBAf8EBTAD\n"
    "AQH/MAoGCCqGSM49BAMCA0gAMEUCIF0Qhkm3NZUQJhdIuRINeTsTYX0uC9tWkVVA\n"
    "tITu3E+hAiEAh+N1A5Z11dMph8/RwBNHibiUg7UwzJlPanb3BxvtJpk=\n"
    "-----END CERTIFICATE-----\n";
static const char key_pem[] = "-----BEGIN PRIVATE KEY-----\n"
                              "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg4EoFMV5Y6PYVd46Y\n"
                              "8X5VwnXelIZA+bkOdAOU+Hb+hYyhRANCAARTLklEjas3ght/tGXyOrOPJvc7zVUL\n"
                              "EBUWAIIwxcC18J0qcui8bsL2EK28+iTxmN/ZzCXEWMKGQPmhM4MPfa1z\n"
                              "-----END PRIVATE KEY-----\n";

static char certificate_path[] = "/tmp/test_certificate.XXXXXX",
            key_path[] = "/tmp/test_certificate.XXXXXX";
static const struct tls_files files = {certificate_path, key_path};

static void write_pem(char *path, const char *text)
{
    memcpy(path + strlen(path) - 6, "XXXXXX", 6);
    int fd = mkstemp(path); /* with mode 0600 */

    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

static void write_files(void)
{
    write_pem(certificate_path, certificate_pem);
    write_pem(key_path, key_pem);
}

static void remove_files(void)
{
    unlink(certificate_path);
    unlink(key_path);
}

static struct tls_certificate *load_files(void)
{
    char error[TLS_ERROR_SIZE];
    bool of_key;
    struct tls_certificate *certificate = tls_certificate_load(&files, error, &of_key);

    cr_assert_not_null(certificate, "%s", error);
    return certificate;
}

#endif
