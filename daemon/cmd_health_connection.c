/* SPDX-License-Identifier: MIT */
#include "cmd_health_connection.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

static bool fail_health(struct health_connection *connection, const char *reason)
{
    snprintf(connection->error, HEALTH_ERROR_SIZE, "%s", reason);
    return false;
}

/* Of the next call that waits. False, with errno, once the deadline has passed. */
static bool limit_wait(const struct health_connection *connection)
{
    int64_t left_ms = mono_ms_between(clock_mono(), connection->deadline);
    const struct timeval left = {.tv_sec = left_ms / 1000, .tv_usec = left_ms % 1000 * 1000};

    errno = ETIMEDOUT;
    return left_ms > 0 &&
           setsockopt(connection->fd, SOL_SOCKET, SO_RCVTIMEO, &left, sizeof left) == 0 &&
           setsockopt(connection->fd, SOL_SOCKET, SO_SNDTIMEO, &left, sizeof left) == 0;
}

/* Says why a call failed: the kernel has other words for the end of a wait. */
static bool fail_call(struct health_connection *connection)
{
    bool timed_out = errno == EAGAIN || errno == EINPROGRESS;

    return fail_health(connection, strerror(timed_out ? ETIMEDOUT : errno));
}

/* ---- Connecting */

static bool connect_name(struct health_connection *connection, const struct sockaddr *name,
                         socklen_t length)
{
    connection->fd = socket(name->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connection->fd < 0)
        return fail_call(connection);
    if (limit_wait(connection) && connect(connection->fd, name, length) == 0)
        return true;
    fail_call(connection);
    close(connection->fd);
    return false;
}

static bool connect_path(struct health_connection *connection, const char *path)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};

    strcpy(name.sun_path, path); /* listen_address_parse() has seen to the length */
    return connect_name(connection, (const struct sockaddr *)&name, sizeof name);
}

static bool connect_host(struct health_connection *connection, const struct listen_address *to)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found;
    bool connected = false;

    int code = getaddrinfo(to->host, to->port, &hints, &found);
    if (code != 0)
        return fail_health(connection, gai_strerror(code));
    for (struct addrinfo *each = found; each && !connected; each = each->ai_next)
        connected = connect_name(connection, each->ai_addr, each->ai_addrlen);
    freeaddrinfo(found);
    return connected;
}

bool health_connection_open(struct health_connection *connection, const struct listen_address *to,
                            struct mono deadline)
{
    *connection = (struct health_connection){.deadline = deadline};
    return to->is_unix ? connect_path(connection, to->host) : connect_host(connection, to);
}

/* ---- TLS, whose own calls wait for what these two do. Those return -1 with errno, which must not be EAGAIN:
 * it would be tried again. */

static ssize_t push_bytes(void *ctx, const void *bytes, size_t size)
{
    struct health_connection *connection = ctx;
    ssize_t sent = limit_wait(connection) ? send(connection->fd, bytes, size, MSG_NOSIGNAL) : -1;

    if (sent < 0 && errno == EAGAIN)
        errno = ETIMEDOUT;
    return sent;
}

static ssize_t pull_bytes(void *ctx, void *bytes, size_t size)
{
    struct health_connection *connection = ctx;
    ssize_t got = limit_wait(connection) ? recv(connection->fd, bytes, size, 0) : -1;

    if (got < 0 && errno == EAGAIN)
        errno = ETIMEDOUT;
    return got;
}

static bool start_handshake(struct health_connection *connection)
{
    if (gnutls_certificate_allocate_credentials(&connection->credentials) != 0 ||
        gnutls_init(&connection->tls, GNUTLS_CLIENT) != 0)
        return false;
    gnutls_transport_set_ptr(connection->tls, connection);
    gnutls_transport_set_push_function(connection->tls, push_bytes);
    gnutls_transport_set_pull_function(connection->tls, pull_bytes);
    return gnutls_set_default_priority(connection->tls) == 0 &&
           gnutls_credentials_set(connection->tls, GNUTLS_CRD_CERTIFICATE,
                                  connection->credentials) == 0;
}

/* Says why a call of GnuTLS failed. */
static bool fail_tls(struct health_connection *connection, int code)
{
    if (code == GNUTLS_E_PULL_ERROR || code == GNUTLS_E_PUSH_ERROR)
        return fail_call(connection);
    return fail_health(connection, gnutls_strerror(code));
}

bool health_connection_secure(struct health_connection *connection)
{
    int code;

    if (!start_handshake(connection))
        return fail_health(connection, "out of memory");
    do
        code = gnutls_handshake(connection->tls);
    while (code < 0 && !gnutls_error_is_fatal(code));
    return code == 0 || fail_tls(connection, code);
}

/* ---- Talking */

static ssize_t receive_some(struct health_connection *connection, char *text, size_t size)
{
    ssize_t got;

    if (!connection->tls)
        return pull_bytes(connection, text, size);
    do
        got = gnutls_record_recv(connection->tls, text, size);
    while (got < 0 && !gnutls_error_is_fatal((int)got));
    return got == GNUTLS_E_PREMATURE_TERMINATION ? 0 : got;
}

bool health_connection_send(struct health_connection *connection, const void *bytes, size_t size)
{
    ssize_t sent = connection->tls ? gnutls_record_send(connection->tls, bytes, size)
                                   : push_bytes(connection, bytes, size);

    if (sent < 0)
        return connection->tls ? fail_tls(connection, (int)sent) : fail_call(connection);
    return (size_t)sent == size || fail_health(connection, strerror(ETIMEDOUT));
}

bool health_connection_receive(struct health_connection *connection, char *text, size_t size)
{
    size_t length = 0;
    ssize_t got = 1;

    while (got > 0 && length < size - 1) {
        got = receive_some(connection, text + length, size - 1 - length);
        if (got < 0)
            return connection->tls ? fail_tls(connection, (int)got) : fail_call(connection);
        length += (size_t)got;
    }
    text[length] = '\0';
    return true;
}

void health_connection_close(struct health_connection *connection)
{
    if (connection->tls)
        gnutls_deinit(connection->tls);
    if (connection->credentials)
        gnutls_certificate_free_credentials(connection->credentials);
    close(connection->fd);
}
