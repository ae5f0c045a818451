/* SPDX-License-Identifier: MIT */
/* What tls/session.c needs of a certificate. Private to daemon/tls. */
#ifndef TLS_CERTIFICATE_PRIVATE_H
#define TLS_CERTIFICATE_PRIVATE_H

#include "tls/certificate.h"

#include <gnutls/gnutls.h>
#include <stdatomic.h>

struct tls_certificate {
    atomic_uint references;
    gnutls_certificate_credentials_t credentials;
    gnutls_datum_t ticket_key; /* of session tickets: sessions end with the certificate */
    struct tls_facts facts;
};

#endif
