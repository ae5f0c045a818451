/* SPDX-License-Identifier: MIT */
/* The certificate that is served, with its chain and private key: read from PEM files and checked. Immutable
 * and reference-counted, so that connections keep the one that they began with when another one is put in
 * its place. Any thread. */
#ifndef TLS_CERTIFICATE_H
#define TLS_CERTIFICATE_H

#include "core/small_file.h"

#include <stdbool.h>
#include <stdint.h>

struct tls_certificate;

struct tls_files {
    const char *certificate; /* the server's own, then those that lead to the root */
    const char *key;
};

#define TLS_NAME_SIZE 256

/* Nothing secret. */
struct tls_facts {
    char subject[TLS_NAME_SIZE];
    char issuer[TLS_NAME_SIZE];
    char fingerprint[65]; /* SHA-256 of the server's own certificate, in hexadecimal */
    int64_t not_before;   /* unix seconds */
    int64_t not_after;    /* that of the chain's certificate that expires first */
};

#define TLS_ERROR_SIZE SMALL_FILE_ERROR_SIZE

/* Reads both files. On failure returns NULL with a message in `error`, which begins with the name of the
 * file, and *of_key says which one that is; errno is as of small_file_read(). The times of the certificate
 * are not checked: see tls_certificate_warning(). */
struct tls_certificate *tls_certificate_load(const struct tls_files *files,
                                             char error[TLS_ERROR_SIZE], bool *of_key);

struct tls_certificate *tls_certificate_ref(struct tls_certificate *certificate);

/* Frees it with the last reference. No-op on NULL. */
void tls_certificate_unref(struct tls_certificate *certificate);

const struct tls_facts *tls_certificate_facts(const struct tls_certificate *certificate);

#define TLS_EXPIRES_SOON_S ((int64_t)14 * 24 * 60 * 60)
#define TLS_WARNING_SIZE 160

/* What an administrator should know: that it is not valid yet, expires soon or has expired, at `now` in unix
 * seconds. False: nothing. */
bool tls_facts_warn(const struct tls_facts *facts, int64_t now, char warning[TLS_WARNING_SIZE]);

#endif
