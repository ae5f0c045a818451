/* SPDX-License-Identifier: MIT */
#include "tls/session.h"

#include "tls/certificate_private.h"

#include <ctype.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define HEADER_BYTES 5  /* of a record */
#define RECORD_ALERT 21 /* its type, if it is not encrypted */

struct tls_session {
    gnutls_session_t library;
    struct tls_certificate *certificate;
    int fd;
    int outcome; /* of the handshake: GNUTLS_E_AGAIN until it is over */
    enum tls_fault fault;
    size_t seen;
    char first[HEADER_BYTES];
    unsigned char record_type; /* of the last one that has begun to come */
};

typedef int handshake_fn(gnutls_session_t library);

static _Thread_local ptrdiff_t (*on_read)(int fd, const void *bytes, size_t size, ptrdiff_t got);

/* Tells our sessions from all others: nothing else uses that pointer, as no database of sessions is used. */
static char ours;

static struct tls_session *session_of(gnutls_session_t library)
{
    return gnutls_db_get_ptr(library) == &ours ? gnutls_transport_get_ptr(library) : NULL;
}

/* ---- What libmicrohttpd calls */

static handshake_fn *find_handshake(void)
{
    static _Atomic(handshake_fn *) found;
    handshake_fn *handshake = found;

    if (handshake)
        return handshake;
    *(void **)(&handshake) = dlsym(RTLD_NEXT, "gnutls_handshake");
    found = handshake;
    return handshake;
}

/* Replaces that of GnuTLS in the whole process, as does the next one. */
int gnutls_handshake(gnutls_session_t library)
{
    const struct tls_session *session = session_of(library);

    if (gnutls_db_get_ptr(library) != &ours)
        return find_handshake()(library);
    return session ? session->outcome : GNUTLS_E_MEMORY_ERROR;
}

ssize_t gnutls_record_recv(gnutls_session_t library, void *bytes, size_t size)
{
    const struct tls_session *session = session_of(library);
    unsigned char sequence[8]; /* the same function, but for this */
    ssize_t got = gnutls_record_recv_seq(library, bytes, size, sequence);

    return session && on_read ? on_read(session->fd, bytes, size, got) : got;
}

void tls_session_watch_reads(ptrdiff_t (*read)(int fd, const void *bytes, size_t size,
                                               ptrdiff_t got))
{
    on_read = read;
}

/* ---- What GnuTLS calls: recvfrom(), as recv() is the one of http/reading.c */

static ssize_t pull(gnutls_transport_ptr_t ctx, void *bytes, size_t size)
{
    struct tls_session *session = ctx;
    ssize_t got = recvfrom(session->fd, bytes, size, 0, NULL, NULL);

    if (got > 0 && size == HEADER_BYTES) /* GnuTLS reads each by itself */
        session->record_type = *(const unsigned char *)bytes;
    if (got > 0 && session->seen < HEADER_BYTES) {
        size_t more = HEADER_BYTES - session->seen;
        if (more > (size_t)got)
            more = (size_t)got;
        memcpy(session->first + session->seen, bytes, more);
        session->seen += more;
    }
    return got;
}

static ssize_t push(gnutls_transport_ptr_t ctx, const giovec_t *pieces, int count)
{
    const struct tls_session *session = ctx;
    const struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)pieces,
                                   .msg_iovlen = (size_t)count};

    return sendmsg(session->fd, &message, MSG_NOSIGNAL);
}

/* ---- Handshake */

/* Clients that offer none, as those of HTTP/1.1 may, are served; those that insist on another one get an alert. */
static void offer_protocol(gnutls_session_t library)
{
    static unsigned char name[] = "http/1.1";
    const gnutls_datum_t protocol = {name, sizeof name - 1};

    gnutls_alpn_set_protocols(library, &protocol, 1, GNUTLS_ALPN_MANDATORY);
}

struct tls_session *tls_session_new(void *library, int fd, struct tls_certificate *certificate)
{
    struct tls_session *session = calloc(1, sizeof *session);

    gnutls_db_set_ptr(library, &ours);
    gnutls_transport_set_ptr(library, session);
    if (!session) {
        tls_certificate_unref(certificate);
        return NULL;
    }
    session->library = library;
    session->certificate = certificate;
    session->fd = fd;
    session->outcome = GNUTLS_E_AGAIN;
    gnutls_transport_set_pull_function(library, pull);
    gnutls_transport_set_vec_push_function(library, push);
    gnutls_session_ticket_enable_server(library, &certificate->ticket_key);
    offer_protocol(library);
    if (gnutls_credentials_set(library, GNUTLS_CRD_CERTIFICATE, certificate->credentials) != 0)
        tls_session_fail(session, TLS_FAULT_MALFORMED);
    return session;
}

void tls_session_free(struct tls_session *session)
{
    if (!session)
        return;
    tls_certificate_unref(session->certificate);
    free(session);
}

static bool is_plain_http(const struct tls_session *session)
{
    for (size_t i = 0; i < session->seen; i++)
        if (!isupper((unsigned char)session->first[i]) && (i < 3 || session->first[i] != ' ') &&
            (i < 4 || session->first[i] != '/'))
            return false;
    return session->seen == HEADER_BYTES;
}

static enum tls_fault handshake_fault(const struct tls_session *session, int code)
{
    if (is_plain_http(session))
        return TLS_FAULT_PLAIN_HTTP;
    /* OpenSSL does not encrypt the alert when it distrusts us, which GnuTLS takes for a bad record. */
    if (code == GNUTLS_E_DECRYPTION_FAILED && session->record_type == RECORD_ALERT)
        return TLS_FAULT_ALERT;
    switch (code) {
    case GNUTLS_E_PREMATURE_TERMINATION:
    case GNUTLS_E_PULL_ERROR:
    case GNUTLS_E_PUSH_ERROR:
    case GNUTLS_E_SESSION_EOF:
        return TLS_FAULT_CLOSED;
    case GNUTLS_E_UNSUPPORTED_VERSION_PACKET:
        return TLS_FAULT_VERSION;
    case GNUTLS_E_NO_CIPHER_SUITES:
    case GNUTLS_E_NO_COMMON_KEY_SHARE:
    case GNUTLS_E_INSUFFICIENT_CREDENTIALS:
    case GNUTLS_E_UNSUPPORTED_SIGNATURE_ALGORITHM:
        return TLS_FAULT_CIPHER;
    case GNUTLS_E_NO_APPLICATION_PROTOCOL:
        return TLS_FAULT_PROTOCOL;
    case GNUTLS_E_FATAL_ALERT_RECEIVED:
        return TLS_FAULT_ALERT;
    default:
        return TLS_FAULT_MALFORMED;
    }
}

static void end_handshake(struct tls_session *session, int code, enum tls_fault fault)
{
    session->outcome = code;
    session->fault = fault;
    if (fault != TLS_FAULT_CLOSED && fault != TLS_FAULT_PLAIN_HTTP && fault != TLS_FAULT_TIMEOUT &&
        fault != TLS_FAULT_ALERT)
        gnutls_alert_send_appropriate(session->library, code);
}

enum tls_step tls_session_step(struct tls_session *session)
{
    int code;

    do /* what is not fatal is a warning of the client's; each takes a record */
        code = find_handshake()(session->library);
    while (code < 0 && code != GNUTLS_E_AGAIN && !gnutls_error_is_fatal(code));
    if (code == GNUTLS_E_AGAIN)
        return gnutls_record_get_direction(session->library) ? TLS_STEP_WRITE : TLS_STEP_READ;
    if (code == GNUTLS_E_SUCCESS) {
        session->outcome = code;
        return TLS_STEP_DONE;
    }
    end_handshake(session, code, handshake_fault(session, code));
    return TLS_STEP_FAILED;
}

void tls_session_fail(struct tls_session *session, enum tls_fault fault)
{
    end_handshake(session, GNUTLS_E_INTERNAL_ERROR, fault);
}

enum tls_fault tls_session_fault(const struct tls_session *session)
{
    return session->fault;
}

bool tls_session_resumed(const struct tls_session *session)
{
    return gnutls_session_is_resumed(session->library) != 0;
}

void tls_session_send_last(struct tls_session *session, const char *bytes, size_t size)
{
    if (gnutls_record_send(session->library, bytes, size) >= 0)
        gnutls_bye(session->library, GNUTLS_SHUT_WR);
}
