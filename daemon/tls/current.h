/* SPDX-License-Identifier: MIT */
/* The certificate that new connections get. Any thread. */
#ifndef TLS_CURRENT_H
#define TLS_CURRENT_H

#include "tls/certificate.h"

struct tls_current;

/* Takes over the reference. NULL when out of memory; the reference is dropped then. */
struct tls_current *tls_current_new(struct tls_certificate *certificate);

/* No-op on NULL. */
void tls_current_free(struct tls_current *current);

/* A reference of the caller's. */
struct tls_certificate *tls_current_get(struct tls_current *current);

/* Puts another certificate in its place. Takes over the reference. */
void tls_current_set(struct tls_current *current, struct tls_certificate *certificate);

#endif
