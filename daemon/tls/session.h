/* SPDX-License-Identifier: MIT */
/* The TLS side of one connection of libmicrohttpd's, which does TLS by GnuTLS itself, but waits for a handshake
 * in a busy loop, says nothing of why one has failed, and sends no alert (seen in 0.9.75 and 1.0.1). So we do
 * the handshake while the library has the connection suspended. This program's gnutls_handshake(), which the
 * library calls afterwards, then only tells it how that went. Its gnutls_record_recv() shows what is read.
 *
 * TLS 1.3 and 1.2 with forward secrecy and authenticated encryption. No renegotiation, no compression, no
 * early data. Sessions can be resumed by tickets. All functions in the thread that runs the library. */
#ifndef TLS_SESSION_H
#define TLS_SESSION_H

#include "tls/certificate.h"

#include <stdbool.h>
#include <stddef.h>

/* For MHD_OPTION_HTTPS_PRIORITIES. Of these, the client chooses; X25519 is first, as that is what clients
 * offer a key for, which saves a round trip. */
#define TLS_PRIORITIES                                                                             \
    "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-KX-ALL:+ECDHE-ECDSA:+ECDHE-RSA:-CIPHER-ALL:"      \
    "+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:-MAC-ALL:+AEAD:-SIGN-ALL:"                       \
    "+SIGN-ECDSA-SECP256R1-SHA256:+SIGN-ECDSA-SECP384R1-SHA384:+SIGN-ECDSA-SECP521R1-SHA512:"      \
    "+SIGN-ECDSA-SHA256:+SIGN-ECDSA-SHA384:+SIGN-ECDSA-SHA512:+SIGN-EDDSA-ED25519:"                \
    "+SIGN-RSA-PSS-RSAE-SHA256:+SIGN-RSA-PSS-RSAE-SHA384:+SIGN-RSA-PSS-RSAE-SHA512:"               \
    "+SIGN-RSA-PSS-SHA256:+SIGN-RSA-PSS-SHA384:+SIGN-RSA-PSS-SHA512:"                              \
    "+SIGN-RSA-SHA256:+SIGN-RSA-SHA384:+SIGN-RSA-SHA512:"                                          \
    "-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1:+GROUP-SECP521R1"

struct tls_session;

/* Why a handshake has failed. */
enum tls_fault {
    TLS_FAULT_NONE,
    TLS_FAULT_CLOSED,     /* the client has closed the connection */
    TLS_FAULT_PLAIN_HTTP, /* it has sent a request without TLS */
    TLS_FAULT_VERSION,    /* it has no version of TLS in common with us */
    TLS_FAULT_CIPHER,     /* … no cipher, group or signature */
    TLS_FAULT_PROTOCOL,   /* … no application protocol (ALPN) */
    TLS_FAULT_ALERT,      /* it has sent an alert: it does not trust the certificate, say */
    TLS_FAULT_TIMEOUT,    /* it took too long */
    TLS_FAULT_MALFORMED,  /* anything else */
    TLS_FAULTS
};

enum tls_step {
    TLS_STEP_DONE,
    TLS_STEP_READ,  /* can be continued when there is something to read */
    TLS_STEP_WRITE, /* … when there is room to write */
    TLS_STEP_FAILED
};

/* Begins on a session of GnuTLS (gnutls_session_t) that the library has just begun on `fd`. Takes over a
 * reference to the certificate. NULL when out of memory: the handshake fails, and the reference is dropped. */
struct tls_session *tls_session_new(void *library, int fd, struct tls_certificate *certificate);

/* After the library has ended its session. No-op on NULL. */
void tls_session_free(struct tls_session *session);

/* Does what can be done of the handshake without waiting. Not after it has returned DONE or FAILED. */
enum tls_step tls_session_step(struct tls_session *session);

/* Ends a handshake that is under way. */
void tls_session_fail(struct tls_session *session, enum tls_fault fault);

enum tls_fault tls_session_fault(const struct tls_session *session);

/* Whether the handshake has resumed an earlier session. */
bool tls_session_resumed(const struct tls_session *session);

/* Sends some last bytes as far as there is room for them, and that there will be no more. */
void tls_session_send_last(struct tls_session *session, const char *bytes, size_t size);

/* From now on, has `read` called in this thread when the library has read decrypted bytes, or tried to: `got` is
 * what it got, if positive. What `read` returns is what the library gets. */
void tls_session_watch_reads(ptrdiff_t (*read)(int fd, const void *bytes, size_t size,
                                               ptrdiff_t got));

#endif
