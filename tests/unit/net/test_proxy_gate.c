/* SPDX-License-Identifier: MIT */
#include "net/proxy_gate.h"

#include "core/metrics.h"
#include "net/peer.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define LINE "PROXY TCP4 192.0.2.7 192.0.2.1 1234 80\r\n"
#define BINARY SIGNATURE "\x21\x11\0\x12\xc0\0\2\x07\xc0\0\2\1\x04\xd2\0\x50\4\0\3abc"
#define REQUEST "GET / HTTP/1.1\r\n"

static struct mono time_now;
static struct loop *loop;
static struct networks *trusted; /* 127.0.0.0/8 */
static struct proxy_gate *gate;
static struct metrics_snapshot before;
static FILE *log_file; /* instead of stderr */
static int real_stderr;

static const struct sockaddr local = {.sa_family = AF_UNIX};
static struct sockaddr_storage proxy, stranger;
static socklen_t inet_length;

/* The connection that has passed last. */
static struct {
    int fd; /* -1: none has */
    struct sockaddr_storage peer;
    socklen_t length;
} passed;

static struct mono clock_now(void)
{
    return time_now;
}

static void on_passed(void *ctx, int fd, const struct sockaddr *peer, socklen_t length)
{
    cr_assert_eq(ctx, &passed);
    cr_assert_eq(passed.fd, -1);
    passed.fd = fd;
    passed.length = length;
    memcpy(&passed.peer, peer, length);
}

static socklen_t name_of(const char *text, struct sockaddr_storage *name)
{
    struct p0f_addr addr;

    cr_assert_eq(p0f_addr_parse(text, strlen(text), &addr), P0F_OK);
    return peer_name(&addr, name);
}

static void setup(void)
{
    char error[NETWORKS_ERROR_SIZE];

    time_now = (struct mono){INT64_C(1000000000000)};
    passed.fd = -1;
    inet_length = name_of("127.0.0.5", &proxy);
    name_of("192.0.2.99", &stranger);
    log_file = tmpfile();
    real_stderr = dup(STDERR_FILENO);
    dup2(fileno(log_file), STDERR_FILENO);
    loop = loop_new(clock_now);
    trusted = networks_parse("127.0.0.0/8", error);
    gate = proxy_gate_new(loop, trusted, on_passed, &passed);
    cr_assert_not_null(gate);
    metrics_read(&before);
}

static void teardown(void)
{
    proxy_gate_free(gate);
    networks_free(trusted);
    loop_free(loop);
    dup2(real_stderr, STDERR_FILENO);
    close(real_stderr);
    fclose(log_file);
}

/* ---- Steps */

static void on_stop(void *ctx)
{
    (void)ctx;
    loop_stop(loop);
}

/* One round, with all that has happened. */
static void run_round(void)
{
    struct loop_task stop = {.run = on_stop};

    loop_post(loop, &stop);
    cr_assert_eq(loop_run(loop), 0);
}

/* ends[0] is the proxy's. */
static void connect_ends(int ends[2])
{
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
}

static void send_bytes(int fd, const void *bytes, size_t size)
{
    cr_assert_eq(send(fd, bytes, size, 0), (ssize_t)size);
}

/* Takes a connection of the proxy's, with these bytes there already. Returns the proxy's end. */
static int take(const struct sockaddr *peer, socklen_t length, const void *bytes, size_t size)
{
    int ends[2];

    connect_ends(ends);
    if (size > 0)
        send_bytes(ends[0], bytes, size);
    proxy_gate_take(gate, ends[1], peer, length);
    return ends[0];
}

static int take_proxy(const void *bytes, size_t size)
{
    return take((const struct sockaddr *)&proxy, inet_length, bytes, size);
}

static bool is_closed(int fd)
{
    char byte;
    ssize_t got = recv(fd, &byte, 1, MSG_DONTWAIT);

    return got == 0 || (got < 0 && errno == ECONNRESET);
}

/* One has passed, with this peer, and these bytes are left to read. Closes it. */
static void expect_passed(const char *peer, const char *rest)
{
    char bytes[256];
    struct sockaddr_storage name;
    socklen_t length = sizeof(sa_family_t);

    cr_assert_geq(passed.fd, 0);
    if (strcmp(peer, "unix") == 0)
        memcpy(&name, &local, sizeof local);
    else
        length = name_of(peer, &name);
    cr_assert_eq(passed.length, length);
    cr_assert_eq(memcmp(&passed.peer, &name, length), 0, "not %s", peer);
    ssize_t got = recv(passed.fd, bytes, sizeof bytes, 0);
    cr_assert_eq(got > 0 ? (size_t)got : 0, strlen(rest));
    cr_assert_eq(memcmp(bytes, rest, strlen(rest)), 0);
    cr_assert_eq(proxy_gate_count(gate), 0);
    close(passed.fd);
    passed.fd = -1;
}

/* Since the last time. */
static void expect_counted(enum metric metric, uint64_t count)
{
    struct metrics_snapshot now;

    metrics_read(&now);
    for (int i = METRIC_HTTP_PROXY_MISSING; i <= METRIC_HTTP_PROXY_FULL; i++)
        cr_assert_eq(now.counters[i] - before.counters[i], i == (int)metric ? count : 0, "%d", i);
    before = now;
}

static void expect_closed(int end, enum metric metric)
{
    cr_assert_eq(passed.fd, -1);
    cr_assert(is_closed(end));
    close(end);
    expect_counted(metric, 1);
}

/* Since the last time. */
static void expect_logged(const char *text)
{
    static char log[4096];
    ssize_t size = pread(fileno(log_file), log, sizeof log - 1, 0);

    cr_assert_geq(size, 0);
    log[size] = '\0';
    cr_assert_eq(ftruncate(fileno(log_file), 0), 0);
    lseek(fileno(log_file), 0, SEEK_SET);
    if (*text)
        cr_assert_not_null(strstr(log, text), "%s", log);
    else
        cr_assert_str_empty(log);
}

/* ---- What passes */

Test(proxy_gate, a_header_that_is_there, .init = setup, .fini = teardown)
{
    close(take_proxy(LINE REQUEST, sizeof LINE REQUEST - 1));
    expect_passed("192.0.2.7", REQUEST);
    close(take_proxy(BINARY REQUEST, sizeof BINARY REQUEST - 1));
    expect_passed("192.0.2.7", REQUEST);
    close(take_proxy("PROXY TCP6 2001:db8::7 ::1 1 2\r\n", 32));
    expect_passed("2001:db8::7", "");
    close(take(&local, sizeof(sa_family_t), LINE, sizeof LINE - 1));
    expect_passed("192.0.2.7", "");
    expect_counted(METRIC_HTTP_PROXY_MISSING, 0);
}

Test(proxy_gate, a_header_without_a_client, .init = setup, .fini = teardown)
{
    close(take_proxy("PROXY UNKNOWN\r\n" REQUEST, 15 + sizeof REQUEST - 1));
    expect_passed("127.0.0.5", REQUEST);
    close(take_proxy(SIGNATURE "\x20\0\0\0", 16));
    expect_passed("127.0.0.5", "");
    close(take(&local, sizeof(sa_family_t), SIGNATURE "\x20\0\0\0", 16));
    expect_passed("unix", "");
}

Test(proxy_gate, a_client_on_a_unix_socket, .init = setup, .fini = teardown)
{
    uint8_t header[232] = SIGNATURE "\x21\x31\0\xd8/run/x";

    close(take_proxy(header, sizeof header));
    expect_passed("unix", "");
}

Test(proxy_gate, a_stranger, .init = setup, .fini = teardown)
{
    close(take((struct sockaddr *)&stranger, inet_length, LINE, sizeof LINE - 1));
    expect_passed("192.0.2.99", LINE);
    close(take((struct sockaddr *)&stranger, inet_length, "", 0));
    expect_passed("192.0.2.99", "");
}

/* The loop has nothing to do while it waits for more. */
static void feed(int end, int ours, const char *bytes, size_t from, size_t to)
{
    struct pollfd polled = {.fd = ours, .events = POLLIN};

    if (from == to)
        return;
    cr_assert_eq(passed.fd, -1);
    send_bytes(end, bytes + from, to - from);
    run_round();
    if (passed.fd < 0)
        cr_assert_eq(poll(&polled, 1, 0), 0);
}

static void pass_in_pieces(const char *bytes, size_t size, size_t first, size_t second)
{
    int ends[2];

    connect_ends(ends);
    proxy_gate_take(gate, ends[1], (struct sockaddr *)&proxy, inet_length);
    feed(ends[0], ends[1], bytes, 0, first);
    feed(ends[0], ends[1], bytes, first, second);
    if (passed.fd >= 0)
        send_bytes(ends[0], bytes + second, size - second);
    else
        feed(ends[0], ends[1], bytes, second, size);
    expect_passed("192.0.2.7", REQUEST);
    close(ends[0]);
}

Test(proxy_gate, a_header_in_pieces, .init = setup, .fini = teardown)
{
    static const struct {
        const char *bytes;
        size_t size, header;
    } of[] = {{LINE REQUEST, sizeof LINE REQUEST - 1, sizeof LINE - 1},
              {BINARY REQUEST, sizeof BINARY REQUEST - 1, sizeof BINARY - 1}};

    for (size_t i = 0; i < sizeof of / sizeof of[0]; i++)
        for (size_t first = 1; first < of[i].header; first++)
            for (size_t second = first; second < of[i].header; second++)
                pass_in_pieces(of[i].bytes, of[i].size, first, second);
}

Test(proxy_gate, a_header_byte_by_byte, .init = setup, .fini = teardown)
{
    int ends[2];

    connect_ends(ends);
    proxy_gate_take(gate, ends[1], (struct sockaddr *)&proxy, inet_length);
    for (size_t i = 0; i < sizeof BINARY - 1; i++)
        feed(ends[0], ends[1], BINARY, i, i + 1);
    expect_passed("192.0.2.7", "");
    close(ends[0]);
}

/* ---- What does not */

Test(proxy_gate, no_header, .init = setup, .fini = teardown)
{
    expect_closed(take_proxy(REQUEST, sizeof REQUEST - 1), METRIC_HTTP_PROXY_MISSING);
    expect_logged(
        "http.proxy_protocol: closing a connection from a trusted proxy (127.0.0.0/8): it does "
        "not begin with a PROXY header; ");
    expect_closed(take(&local, sizeof(sa_family_t), REQUEST, 3), METRIC_HTTP_PROXY_MISSING);
    expect_logged("");
    time_now = mono_add_ms(time_now, 59999);
    run_round();
    expect_closed(take(&local, sizeof(sa_family_t), REQUEST, 3), METRIC_HTTP_PROXY_MISSING);
    expect_logged("");
    time_now = mono_add_ms(time_now, 1);
    run_round();
    expect_closed(take(&local, sizeof(sa_family_t), REQUEST, 3), METRIC_HTTP_PROXY_MISSING);
    expect_logged("closing a connection from a unix socket: it does not begin with");
}

Test(proxy_gate, a_malformed_header, .init = setup, .fini = teardown)
{
    expect_closed(take_proxy("PROXY \r\n", 8), METRIC_HTTP_PROXY_MALFORMED);
    expect_logged("(127.0.0.0/8): its PROXY header is malformed");
    int end = take_proxy("PROXY T", 7);
    send_bytes(end, "\r\n", 2);
    run_round();
    expect_closed(end, METRIC_HTTP_PROXY_MALFORMED);
    expect_logged("");
    /* Another reason is another message. */
    expect_closed(take_proxy("x", 1), METRIC_HTTP_PROXY_MISSING);
    expect_logged("it does not begin with");
}

Test(proxy_gate, a_header_without_end, .init = setup, .fini = teardown)
{
    char bytes[600] = "PROXY UNKNOWN ";

    memset(bytes + 14, 'x', sizeof bytes - 14);
    expect_closed(take_proxy(bytes, sizeof bytes), METRIC_HTTP_PROXY_TOO_LONG);
    expect_logged("(127.0.0.0/8): its PROXY header has more than 536 bytes");
    expect_closed(take_proxy(SIGNATURE "\x21\x11\2\x09", 16), METRIC_HTTP_PROXY_TOO_LONG);
}

Test(proxy_gate, too_late, .init = setup, .fini = teardown)
{
    int silent = take_proxy("", 0), slow = take_proxy("", 0);

    time_now = mono_add_ms(time_now, 99);
    send_bytes(slow, LINE, sizeof LINE - 2);
    run_round();
    cr_assert_eq(proxy_gate_count(gate), 2);
    cr_assert_not(is_closed(silent));
    time_now = mono_add_ms(time_now, 1);
    run_round();
    cr_assert_eq(proxy_gate_count(gate), 0);
    cr_assert(is_closed(silent));
    cr_assert(is_closed(slow));
    expect_counted(METRIC_HTTP_PROXY_LATE, 2);
    expect_logged("(127.0.0.0/8): no complete PROXY header came within 100 ms");
    close(silent);
    close(slow);
}

static void send_rest(void *ctx)
{
    send_bytes(*(int *)ctx, LINE + 5, sizeof LINE - 1 - 5);
    loop_stop(loop);
}

/* The loop was held up, and has not been told yet of what came meanwhile. */
Test(proxy_gate, a_header_that_is_there_at_the_deadline, .init = setup, .fini = teardown)
{
    int end = take_proxy(LINE, 5);
    struct loop_task task = {.run = send_rest, .ctx = &end};

    time_now = mono_add_ms(time_now, 3000);
    loop_post(loop, &task);
    cr_assert_eq(loop_run(loop), 0);
    expect_passed("192.0.2.7", "");
    close(end);
}

Test(proxy_gate, one_that_only_looks_whether_we_listen, .init = setup, .fini = teardown)
{
    int end = take_proxy("", 0);

    shutdown(end, SHUT_WR);
    run_round();
    cr_assert_eq(proxy_gate_count(gate), 0);
    cr_assert(is_closed(end));
    close(end);
    expect_counted(METRIC_HTTP_PROXY_MALFORMED, 0);
    expect_logged("");
}

Test(proxy_gate, one_that_closes_within_its_header, .init = setup, .fini = teardown)
{
    int end = take_proxy(LINE, 9);

    shutdown(end, SHUT_WR);
    run_round();
    expect_closed(end, METRIC_HTTP_PROXY_MALFORMED);
}

Test(proxy_gate, too_many, .init = setup, .fini = teardown)
{
    struct rlimit limit;
    int ends[2];

    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = PROXY_GATE_MAX + 100;
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    connect_ends(ends);
    for (int i = 0; i < PROXY_GATE_MAX; i++)
        proxy_gate_take(gate, dup(ends[1]), (struct sockaddr *)&proxy, inet_length);
    cr_assert_eq(proxy_gate_count(gate), PROXY_GATE_MAX);
    expect_closed(take_proxy("", 0), METRIC_HTTP_PROXY_FULL);
    expect_logged("(127.0.0.0/8): 1000 others are waiting for their PROXY headers");
    expect_closed(take_proxy(LINE, 9), METRIC_HTTP_PROXY_FULL);
    /* One that need not wait is welcome. */
    close(take_proxy(LINE, sizeof LINE - 1));
    cr_assert_geq(passed.fd, 0);
    close(passed.fd);
    proxy_gate_close(gate);
    cr_assert_eq(proxy_gate_count(gate), 0);
    close(ends[1]);
    cr_assert(is_closed(ends[0]));
    close(ends[0]);
    expect_counted(METRIC_HTTP_PROXY_FULL, 0);
}

Test(proxy_gate, none)
{
    cr_assert_eq(proxy_gate_count(NULL), 0);
    proxy_gate_close(NULL);
    proxy_gate_free(NULL);
}
