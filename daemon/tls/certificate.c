/* SPDX-License-Identifier: MIT */
#include "core/rfc3339.h"
#include "core/small_file.h"
#include "tls/certificate_private.h"

#include <errno.h>
#include <gnutls/crypto.h>
#include <gnutls/x509.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX ((size_t)1024 * 1024) /* bytes; a chain has some KiB */

/* While it is being read. */
struct parts {
    const struct tls_files *files;
    char *error;
    bool *of_key;
    gnutls_x509_crt_t *chain;
    unsigned length;
    gnutls_x509_privkey_t key;
};

/* Sets errno: to ENOMEM if that is what the library says, else to EINVAL. */
__attribute__((format(printf, 4, 5))) static bool fail_parsing(struct parts *parts, bool of_key,
                                                               int code, const char *format, ...)
{
    const char *path = of_key ? parts->files->key : parts->files->certificate;
    int length = snprintf(parts->error, TLS_ERROR_SIZE, "%.300s: ", path);
    va_list args;

    *parts->of_key = of_key;
    va_start(args, format);
    vsnprintf(parts->error + length, TLS_ERROR_SIZE - (size_t)length, format, args);
    va_end(args);
    errno = code == GNUTLS_E_MEMORY_ERROR ? ENOMEM : EINVAL;
    return false;
}

/* ---- The chain */

/* Sorts it, and leaves out what does not belong to it. */
static bool parse_chain(struct parts *parts, const struct small_file *file)
{
    const gnutls_datum_t pem = {(unsigned char *)file->text, (unsigned)file->length};
    int code = file->length == 0
                   ? GNUTLS_E_NO_CERTIFICATE_FOUND
                   : gnutls_x509_crt_list_import2(&parts->chain, &parts->length, &pem,
                                                  GNUTLS_X509_FMT_PEM, GNUTLS_X509_CRT_LIST_SORT);

    if (code >= 0)
        return true;
    if (code == GNUTLS_E_NO_CERTIFICATE_FOUND || code == GNUTLS_E_BASE64_UNEXPECTED_HEADER_ERROR)
        return fail_parsing(
            parts, false, code,
            "there is no complete certificate in it; expected -----BEGIN CERTIFICATE-----");
    return fail_parsing(parts, false, code, "cannot parse the certificates: %s",
                        gnutls_strerror(code));
}

/* Clients refuse anything weaker. */
static bool check_strength(struct parts *parts)
{
    unsigned bits = 0;
    int algorithm = gnutls_x509_crt_get_pk_algorithm(parts->chain[0], &bits);
    int signature = gnutls_x509_crt_get_signature_algorithm(parts->chain[0]);

    switch (algorithm) {
    case GNUTLS_PK_RSA:
    case GNUTLS_PK_RSA_PSS:
    case GNUTLS_PK_ECDSA:
    case GNUTLS_PK_EDDSA_ED25519:
        break;
    default:
        return fail_parsing(parts, false, 0,
                            "unsupported type of key; expected RSA, ECDSA or Ed25519");
    }
    if (gnutls_pk_bits_to_sec_param((gnutls_pk_algorithm_t)algorithm, bits) <
        GNUTLS_SEC_PARAM_MEDIUM)
        return fail_parsing(parts, false, 0,
                            "a key of %u bits is too weak; expected RSA of at least 2048 bits, or "
                            "ECDSA (P-256)",
                            bits);
    if (!gnutls_sign_is_secure2((gnutls_sign_algorithm_t)signature,
                                GNUTLS_SIGN_FLAG_SECURE_FOR_CERTS))
        return fail_parsing(parts, false, 0, "signed with %s, which clients refuse; get a new one",
                            gnutls_sign_get_name((gnutls_sign_algorithm_t)signature));
    return true;
}

static void copy_name(gnutls_x509_crt_t crt,
                      int (*get)(gnutls_x509_crt_t, gnutls_datum_t *, unsigned),
                      char name[TLS_NAME_SIZE])
{
    gnutls_datum_t text;

    if (get(crt, &text, 0) < 0)
        return;
    snprintf(name, TLS_NAME_SIZE, "%.*s", (int)text.size, text.data);
    gnutls_free(text.data);
}

static void collect_facts(const struct parts *parts, struct tls_facts *facts)
{
    unsigned char digest[32];
    size_t size = sizeof digest;

    copy_name(parts->chain[0], gnutls_x509_crt_get_dn3, facts->subject);
    copy_name(parts->chain[0], gnutls_x509_crt_get_issuer_dn3, facts->issuer);
    if (gnutls_x509_crt_get_fingerprint(parts->chain[0], GNUTLS_DIG_SHA256, digest, &size) == 0)
        for (size_t i = 0; i < size; i++)
            snprintf(facts->fingerprint + 2 * i, 3, "%02x", digest[i]);
    facts->not_before = gnutls_x509_crt_get_activation_time(parts->chain[0]);
    facts->not_after = gnutls_x509_crt_get_expiration_time(parts->chain[0]);
    for (unsigned i = 1; i < parts->length; i++) {
        int64_t end = gnutls_x509_crt_get_expiration_time(parts->chain[i]);
        if (end < facts->not_after)
            facts->not_after = end;
    }
}

/* ---- The key */

static bool parse_key(struct parts *parts, const struct small_file *file)
{
    const gnutls_datum_t pem = {(unsigned char *)file->text, (unsigned)file->length};
    int code = gnutls_x509_privkey_init(&parts->key);

    if (code == 0) /* without a passphrase, it asks for none */
        code = gnutls_x509_privkey_import2(parts->key, &pem, GNUTLS_X509_FMT_PEM, NULL, 0);
    if (code == 0)
        return true;
    if (strstr(file->text, "ENCRYPTED"))
        return fail_parsing(parts, true, code,
                            "the private key is encrypted, and there is nobody to type a "
                            "passphrase; decrypt it with: openssl pkey");
    if (!strstr(file->text, "PRIVATE KEY-----"))
        return fail_parsing(parts, true, code,
                            "there is no private key in it; expected -----BEGIN PRIVATE KEY-----");
    return fail_parsing(parts, true, code, "cannot parse the private key: %s",
                        gnutls_strerror(code));
}

static bool join_parts(struct parts *parts, struct tls_certificate *certificate)
{
    int code = gnutls_certificate_set_x509_key(certificate->credentials, parts->chain,
                                               (int)parts->length, parts->key);

    if (code >= 0)
        return true;
    if (code == GNUTLS_E_CERTIFICATE_KEY_MISMATCH)
        return fail_parsing(parts, true, code,
                            "this private key does not belong to the first certificate of %.200s; "
                            "both must be from the same request",
                            parts->files->certificate);
    return fail_parsing(parts, true, code, "cannot use the private key: %s", gnutls_strerror(code));
}

/* ---- All of it */

static bool read_and_parse(struct parts *parts, const char *path, mode_t forbidden,
                           bool (*parse)(struct parts *, const struct small_file *))
{
    struct small_file file;

    if (!small_file_read(path, FILE_MAX, &file, parts->error))
        return false;
    bool good = small_file_check_mode(path, &file, forbidden, parts->error) && parse(parts, &file);
    int problem = errno;
    small_file_free(&file);
    errno = problem;
    return good;
}

static bool read_parts(struct parts *parts)
{
    *parts->of_key = false;
    if (!read_and_parse(parts, parts->files->certificate, 0, parse_chain) || !check_strength(parts))
        return false;
    *parts->of_key = true;
    return read_and_parse(parts, parts->files->key, S_IRWXO | S_IWGRP, parse_key);
}

static void release_parts(struct parts *parts)
{
    for (unsigned i = 0; i < parts->length; i++)
        gnutls_x509_crt_deinit(parts->chain[i]);
    gnutls_free(parts->chain);
    if (parts->key)
        gnutls_x509_privkey_deinit(parts->key);
}

/* NULL with ENOMEM. */
static struct tls_certificate *new_certificate(struct parts *parts)
{
    struct tls_certificate *certificate = calloc(1, sizeof *certificate);

    if (certificate && gnutls_certificate_allocate_credentials(&certificate->credentials) == 0 &&
        gnutls_session_ticket_key_generate(&certificate->ticket_key) == 0) {
        atomic_init(&certificate->references, 1);
        return certificate;
    }
    if (certificate && certificate->credentials)
        gnutls_certificate_free_credentials(certificate->credentials);
    free(certificate);
    fail_parsing(parts, false, GNUTLS_E_MEMORY_ERROR, "out of memory");
    return NULL;
}

struct tls_certificate *tls_certificate_load(const struct tls_files *files,
                                             char error[TLS_ERROR_SIZE], bool *of_key)
{
    struct parts parts = {.files = files, .error = error, .of_key = of_key};
    struct tls_certificate *certificate = read_parts(&parts) ? new_certificate(&parts) : NULL;

    if (certificate && join_parts(&parts, certificate)) {
        collect_facts(&parts, &certificate->facts);
        release_parts(&parts);
        return certificate;
    }
    int problem = errno;
    tls_certificate_unref(certificate);
    release_parts(&parts);
    errno = problem;
    return NULL;
}

struct tls_certificate *tls_certificate_ref(struct tls_certificate *certificate)
{
    atomic_fetch_add(&certificate->references, 1);
    return certificate;
}

void tls_certificate_unref(struct tls_certificate *certificate)
{
    if (!certificate || atomic_fetch_sub(&certificate->references, 1) != 1)
        return;
    gnutls_certificate_free_credentials(certificate->credentials);
    gnutls_memset(certificate->ticket_key.data, 0, certificate->ticket_key.size);
    gnutls_free(certificate->ticket_key.data);
    free(certificate);
}

const struct tls_facts *tls_certificate_facts(const struct tls_certificate *certificate)
{
    return &certificate->facts;
}

bool tls_facts_warn(const struct tls_facts *facts, int64_t now, char warning[TLS_WARNING_SIZE])
{
    char time[RFC3339_SIZE] = "?";

    rfc3339_format(facts->not_after, time);
    if (now >= facts->not_after) {
        snprintf(warning, TLS_WARNING_SIZE, "expired on %s: clients refuse it; renew it and reload",
                 time);
    } else if (facts->not_after - now < TLS_EXPIRES_SOON_S) {
        snprintf(warning, TLS_WARNING_SIZE, "expires on %s, in %lld days; renew it and reload",
                 time, (long long)((facts->not_after - now) / (24 * 60 * 60)));
    } else if (now < facts->not_before) {
        rfc3339_format(facts->not_before, time);
        snprintf(warning, TLS_WARNING_SIZE,
                 "not valid before %s: clients refuse it until then; is the clock right?", time);
    } else {
        return false;
    }
    return true;
}
