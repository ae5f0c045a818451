/* SPDX-License-Identifier: MIT */
#include "share/redis_tls.h"

#include <stdio.h>

#ifdef HAVE_HIREDIS_SSL

#include <arpa/inet.h>
#include <hiredis_ssl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

static bool set_name(SSL *tls, const char *name)
{
    struct in6_addr address;

    if (inet_pton(AF_INET, name, &address) == 1 || inet_pton(AF_INET6, name, &address) == 1)
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls), name) == 1;
    return SSL_set1_host(tls, name) == 1 && SSL_set_tlsext_host_name(tls, name) == 1;
}

/* Not redisInitiateSSLWithContext(), which does not verify the name. */
static SSL *new_tls(const char *name)
{
    SSL_CTX *trusted = SSL_CTX_new(TLS_client_method());
    SSL *tls = NULL;

    if (trusted && SSL_CTX_set_min_proto_version(trusted, TLS1_2_VERSION) == 1 &&
        SSL_CTX_set_default_verify_paths(trusted) == 1) {
        SSL_CTX_set_verify(trusted, SSL_VERIFY_PEER, NULL);
        tls = SSL_new(trusted);
    }
    SSL_CTX_free(trusted); /* `tls` has a reference of its own */
    if (tls && set_name(tls, name))
        return tls;
    SSL_free(tls);
    return NULL;
}

struct ssl_st *redis_tls_start(redisContext *redis, const char *name, char *why, size_t size)
{
    SSL *tls = new_tls(name);

    if (tls && redisInitiateSSL(redis, tls) == REDIS_OK)
        return tls;
    if (!tls || !redis_tls_fault(tls, why, size))
        snprintf(why, size, "TLS failed: %s", tls ? redis->errstr : "out of memory");
    SSL_free(tls);
    return NULL;
}

bool redis_tls_wants_read(const struct ssl_st *tls)
{
    return SSL_want_read(tls);
}

bool redis_tls_fault(const struct ssl_st *tls, char *why, size_t size)
{
    long verified = SSL_get_verify_result(tls);
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());

    if (verified != X509_V_OK)
        snprintf(why, size, "certificate verification failed: %s",
                 X509_verify_cert_error_string(verified));
    else if (!SSL_is_init_finished(tls) && reason)
        snprintf(why, size, "TLS failed: %s", reason);
    else
        return false;
    ERR_clear_error(); /* the queue is per thread, not per connection */
    return true;
}

#else

struct ssl_st *redis_tls_start(redisContext *redis, const char *name, char *why, size_t size)
{
    (void)redis, (void)name;
    snprintf(why, size, "not supported by this build: TLS needs hiredis 1.0 or later");
    return NULL;
}

bool redis_tls_wants_read(const struct ssl_st *tls)
{
    (void)tls;
    return false;
}

bool redis_tls_fault(const struct ssl_st *tls, char *why, size_t size)
{
    (void)tls, (void)why, (void)size;
    return false;
}

#endif
