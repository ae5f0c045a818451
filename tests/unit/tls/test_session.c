/* SPDX-License-Identifier: MIT */
#include "certificate_fixture.h"
#include "tls/session.h"

#include <gnutls/gnutls.h>
#include <stdlib.h>
#include <sys/socket.h>

static int ends[2]; /* ours, the client's */
static gnutls_session_t library, client;
static gnutls_certificate_credentials_t trust;
static gnutls_priority_t priorities;
static struct tls_session *session;
static struct tls_certificate *certificate;

/* As libmicrohttpd begins. */
static void begin(void)
{
    write_files();
    certificate = load_files();
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    cr_assert_eq(gnutls_priority_init(&priorities, TLS_PRIORITIES, NULL), 0);
    cr_assert_eq(gnutls_init(&library, GNUTLS_SERVER | GNUTLS_NONBLOCK), 0);
    gnutls_priority_set(library, priorities);
    session = tls_session_new(library, ends[0], tls_certificate_ref(certificate));
    cr_assert_not_null(session);
    gnutls_certificate_allocate_credentials(&trust);
    cr_assert_eq(gnutls_init(&client, GNUTLS_CLIENT | GNUTLS_NONBLOCK), 0);
    gnutls_set_default_priority(client);
    gnutls_credentials_set(client, GNUTLS_CRD_CERTIFICATE, trust);
    gnutls_transport_set_int(client, ends[1]);
}

static void end(void)
{
    gnutls_deinit(library);
    tls_session_free(session);
    gnutls_deinit(client);
    gnutls_certificate_free_credentials(trust);
    gnutls_priority_deinit(priorities);
    tls_certificate_unref(certificate);
    close(ends[0]);
    close(ends[1]);
    remove_files();
}

static char seen[64];

static ptrdiff_t note_read(int fd, const void *bytes, size_t size, ptrdiff_t got)
{
    cr_assert_eq(fd, ends[0]);
    if (got > 0)
        snprintf(seen, sizeof seen, "%.*s of %zu", (int)got, (const char *)bytes, size);
    return got;
}

/* The library's call only tells what has become of it; a client's own does the handshake. */
Test(session, handshake, .init = begin, .fini = end)
{
    char bytes[32];

    cr_assert_eq(tls_session_step(session), TLS_STEP_READ);
    cr_assert_eq(gnutls_handshake(library), GNUTLS_E_AGAIN);
    cr_assert_eq(gnutls_handshake(client), GNUTLS_E_AGAIN);
    cr_assert_eq(tls_session_step(session), TLS_STEP_READ);
    cr_assert_eq(gnutls_handshake(client), 0);
    cr_assert_eq(gnutls_handshake(library), GNUTLS_E_AGAIN);
    cr_assert_eq(tls_session_step(session), TLS_STEP_DONE);
    cr_assert_eq(gnutls_handshake(library), 0);
    cr_assert_not(tls_session_resumed(session));

    tls_session_watch_reads(note_read);
    cr_assert_eq(gnutls_record_send(client, "GET", 3), 3);
    cr_assert_eq(gnutls_record_recv(library, bytes, sizeof bytes), 3);
    cr_assert_str_eq(seen, "GET of 32");
    tls_session_watch_reads(NULL);
    tls_session_send_last(session, "bye", 3);
    ssize_t got = GNUTLS_E_AGAIN;
    for (int tickets = 0; tickets < 4 && got == GNUTLS_E_AGAIN; tickets++)
        got = gnutls_record_recv(client, bytes, sizeof bytes);
    cr_assert_eq(got, 3);
    cr_assert_eq(gnutls_record_recv(client, bytes, sizeof bytes), 0);
}

static void expect_fault(const char *bytes, size_t size, enum tls_fault fault)
{
    cr_assert_eq(send(ends[1], bytes, size, 0), (ssize_t)size);
    cr_assert_eq(tls_session_step(session), TLS_STEP_FAILED);
    cr_assert_eq(tls_session_fault(session), fault);
    cr_assert_lt(gnutls_handshake(library), 0);
}

Test(session, plain_http, .init = begin, .fini = end)
{
    static const char request[] = "GET / HTTP/1.1\r\n\r\n";

    expect_fault(request, sizeof request - 1, TLS_FAULT_PLAIN_HTTP);
}

Test(session, noise, .init = begin, .fini = end)
{
    expect_fault("\x16\x03\x01\x00\x04\x01\x00\x00\x00", 9, TLS_FAULT_MALFORMED);
}

Test(session, closed, .init = begin, .fini = end)
{
    shutdown(ends[1], SHUT_WR);
    cr_assert_eq(tls_session_step(session), TLS_STEP_FAILED);
    cr_assert_eq(tls_session_fault(session), TLS_FAULT_CLOSED);
}
