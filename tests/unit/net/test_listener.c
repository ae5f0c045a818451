/* SPDX-License-Identifier: MIT */
#include "listener_fixture.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static char error[LISTENERS_ERROR_SIZE];
static char dir[32], addresses[64]; /* unix:/tmp/…/http */
static struct sockaddr_un name;

static void setup(void)
{
    strcpy(dir, "/tmp/listen-XXXXXX");
    cr_assert_not_null(mkdtemp(dir));
    name.sun_family = AF_UNIX;
    snprintf(name.sun_path, sizeof name.sun_path, "%s/http", dir);
    snprintf(addresses, sizeof addresses, "unix:%s/http", dir);
}

static void teardown(void)
{
    unlink(name.sun_path);
    cr_assert_eq(rmdir(dir), 0);
}

static struct listeners *parse(const char *text, bool beyond_loopback)
{
    struct listeners *listeners = listeners_parse(options_for(text, beyond_loopback), error);

    cr_assert_not_null(listeners, "%s: %s", text, error);
    return listeners;
}

static void expect_refused(const char *text, const char *why)
{
    cr_assert_null(listeners_parse(options_for(text, false), error), "%s", text);
    cr_assert_eq(errno, EINVAL);
    cr_assert_not_null(strstr(error, why), "%s: %s", text, error);
    cr_assert_not(listeners_check(options_for(text, false), error), "%s", text);
    cr_assert_not_null(strstr(error, why), "%s: %s", text, error);
}

static bool connects(const struct sockaddr *to, socklen_t length)
{
    int fd = socket(to->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool connected = connect(fd, to, length) == 0;

    close(fd);
    return connected;
}

static bool unix_connects(void)
{
    return connects((struct sockaddr *)&name, sizeof name);
}

Test(listener, good_addresses)
{
    const char *texts[] = {"127.0.0.1:80", "127.9.9.9:0", "[::1]:5030", "unix:/run/x",
                           " 127.0.0.1:80 ,\t[::1]:80, unix:/x"};

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        listeners_free(parse(texts[i], false));
        cr_assert(listeners_check(options_for(texts[i], false), error), "%s: %s", texts[i], error);
    }
    listeners_free(NULL);
}

Test(listener, bad_addresses)
{
    const char *form = "expected comma-separated host:port, [IPv6]:port or unix:/path (";
    const char *texts[] = {"",        "127.0.0.1", "127.0.0.1:",    ":80",          "::1:80",
                           "[::1:80", "[::1]",     "127.0.0.1:80,", ",127.0.0.1:80"};
    char path[140] = "unix:/";

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        expect_refused(texts[i], form);
    expect_refused("127.0.0.1:http", "127.0.0.1:http");
    expect_refused("unix:", "expected ");
    expect_refused("unix:run/x", "expected ");
    memset(path + 6, 'x', 107);
    expect_refused(path, "('unix:/xxx");
}

Test(listener, an_address_that_is_there_twice, .init = setup, .fini = teardown)
{
    char twice[2 * sizeof addresses + sizeof ", "];

    snprintf(twice, sizeof twice, "%s, %s", addresses, addresses);
    struct listeners *listeners = parse(twice, false);
    cr_assert(listeners_open(listeners, error), "%s", error);
    cr_assert(unix_connects());
    listeners_free(listeners);
}

Test(listener, beyond_loopback_only_when_meant)
{
    const char *texts[] = {"0.0.0.0:0", "[::]:0", "192.0.2.1:0", "128.0.0.1:0", "[::2]:0"};

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        expect_refused(texts[i], "http.allow_unauthenticated");
        listeners_free(parse(texts[i], true));
        cr_assert(listeners_check(options_for(texts[i], true), error), "%s: %s", texts[i], error);
    }
    expect_refused("127.0.0.1:0, 192.0.2.1:0", "192.0.2.1:0 is reachable from other hosts");
}

Test(listener, unix_socket_comes_and_goes)
{
    struct stat there;

    setup();
    struct listeners *listeners = parse(addresses, false);
    cr_assert_neq(access(name.sun_path, F_OK), 0, "parsing binds nothing");
    cr_assert(listeners_open(listeners, error), "%s", error);
    cr_assert(unix_connects());
    cr_assert_eq(stat(name.sun_path, &there), 0);
    cr_assert_eq(there.st_mode & 0777, 0666);
    listeners_stop(listeners);
    cr_assert_neq(access(name.sun_path, F_OK), 0);
    listeners_free(listeners);
    teardown();
}

static unsigned taken;

static void take(void *ctx, int fd, const struct sockaddr *peer, socklen_t length)
{
    (void)ctx, (void)peer, (void)length;
    close(fd);
    taken++;
}

/* Closing would reset them, and they may have sent their request already. */
Test(listener, stop_accepts_all_that_have_connected, .init = setup, .fini = teardown)
{
    enum { WAITING = 100 };

    struct loop *loop = loop_new(clock_mono);
    struct listeners *listeners = parse(addresses, false);
    cr_assert(listeners_open(listeners, error), "%s", error);
    cr_assert(listeners_start(listeners, loop, take, NULL));
    taken = 0;
    for (int i = 0; i < WAITING; i++)
        cr_assert(unix_connects());
    listeners_stop(listeners);
    cr_assert_eq(taken, WAITING);
    listeners_free(listeners);
    loop_free(loop);
}

Test(listener, dead_socket_is_replaced)
{
    setup();
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    cr_assert_eq(bind(fd, (struct sockaddr *)&name, sizeof name), 0);
    close(fd);
    struct listeners *listeners = parse(addresses, false);
    cr_assert(listeners_open(listeners, error), "%s", error);
    cr_assert(unix_connects());
    listeners_free(listeners);
    teardown();
}

Test(listener, live_socket_is_refused)
{
    setup();
    struct listeners *first = parse(addresses, false), *second = parse(addresses, false);
    cr_assert(listeners_open(first, error), "%s", error);
    cr_assert_not(listeners_open(second, error));
    cr_assert_not_null(strstr(error, "Address already in use"), "%s", error);
    listeners_free(second);
    cr_assert(unix_connects(), "the first one's socket is still there");
    listeners_free(first);
    teardown();
}

/* By one that has no time for those who connect: it is not waited for. */
Test(listener, live_socket_that_takes_nobody_is_refused, .timeout = 60)
{
    int fds[8], count = 0;

    setup();
    int live = socket(AF_UNIX, SOCK_STREAM, 0);
    cr_assert_eq(bind(live, (struct sockaddr *)&name, sizeof name), 0);
    cr_assert_eq(listen(live, 0), 0);
    do
        fds[count] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    while (connect(fds[count++], (struct sockaddr *)&name, sizeof name) == 0 && count < 8);
    cr_assert_lt(count, 8, "it takes all");
    struct listeners *listeners = parse(addresses, false);
    cr_assert_not(listeners_open(listeners, error));
    cr_assert_not_null(strstr(error, "Address already in use"), "%s", error);
    listeners_free(listeners);
    while (count > 0)
        close(fds[--count]);
    close(live);
    teardown();
}

Test(listener, other_files_are_left_alone)
{
    setup();
    FILE *file = fopen(name.sun_path, "w");
    fclose(file);
    struct listeners *listeners = parse(addresses, false);
    cr_assert_not(listeners_open(listeners, error));
    cr_assert_not_null(strstr(error, "File exists: it is not a socket"), "%s", error);
    listeners_free(listeners);
    cr_assert_eq(access(name.sun_path, F_OK), 0);
    teardown();
}

Test(listener, port_0_is_told)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int ends[2], real_stderr = dup(STDERR_FILENO);
    char text[200] = "";
    unsigned port = 0;

    cr_assert_eq(pipe(ends), 0);
    struct listeners *listeners = parse("127.0.0.1:0", false);
    dup2(ends[1], STDERR_FILENO);
    bool opened = listeners_open(listeners, error);
    dup2(real_stderr, STDERR_FILENO);
    close(real_stderr);
    close(ends[1]);
    cr_assert(opened, "%s", error);
    cr_assert_gt(read(ends[0], text, sizeof text - 1), 0);
    close(ends[0]);
    cr_assert_eq(sscanf(text, "p0f-lookupd: listening on 127.0.0.1:%u", &port), 1, "%s", text);
    to.sin_port = htons((uint16_t)port);
    cr_assert(connects((struct sockaddr *)&to, sizeof to));
    listeners_free(listeners);
    cr_assert_not(connects((struct sockaddr *)&to, sizeof to));
}

static int accepted;

static struct mono no_clock(void)
{
    return (struct mono){0};
}

static void on_accepted(void *ctx, int fd, const struct sockaddr *peer, socklen_t length)
{
    cr_assert_eq(peer->sa_family, AF_UNIX);
    cr_assert_gt(length, 0);
    close(fd);
    if (++accepted == 2)
        loop_stop(ctx);
}

Test(listener, accepts_in_the_loop)
{
    setup();
    struct loop *loop = loop_new(no_clock);
    struct listeners *listeners = parse(addresses, false);
    accepted = 0;
    cr_assert(listeners_open(listeners, error), "%s", error);
    cr_assert(unix_connects());
    cr_assert(unix_connects());
    cr_assert(listeners_start(listeners, loop, on_accepted, loop));
    cr_assert_eq(loop_run(loop), 0);
    cr_assert_eq(accepted, 2);
    listeners_free(listeners);
    loop_free(loop);
    teardown();
}

static struct mono time_now;

static struct mono clock_now(void)
{
    return time_now;
}

static void on_stop(void *ctx)
{
    loop_stop(ctx);
}

/* Rounds of the loop at that time, with no descriptor left. */
static void pass_without_descriptors(struct loop *loop, int64_t ms)
{
    struct rlimit limit, none;

    time_now = mono_add_ms(time_now, ms);
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    none = (struct rlimit){.rlim_max = limit.rlim_max};
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    for (int i = 0; i < 3; i++) {
        struct loop_task stop = {.run = on_stop, .ctx = loop};
        loop_post(loop, &stop);
        cr_assert_eq(loop_run(loop), 0);
    }
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static int count_lines(FILE *file)
{
    char line[200];
    int count = 0;

    rewind(file);
    while (fgets(line, sizeof line, file))
        count += strstr(line, "cannot accept connections; trying again in 100 ms") != NULL;
    return count;
}

Test(listener, lack_of_descriptors_is_logged_once_a_minute, .init = setup, .fini = teardown)
{
    struct loop *loop = loop_new(clock_now);
    struct listeners *listeners = parse(addresses, false);
    FILE *log = tmpfile();
    int real_stderr = dup(STDERR_FILENO);

    cr_assert(listeners_open(listeners, error), "%s", error);
    cr_assert(unix_connects());
    cr_assert(unix_connects());
    accepted = 0;
    cr_assert(listeners_start(listeners, loop, on_accepted, loop));
    dup2(fileno(log), STDERR_FILENO);
    pass_without_descriptors(loop, 0);
    pass_without_descriptors(loop, 100);
    pass_without_descriptors(loop, 59800);
    int once = count_lines(log);
    pass_without_descriptors(loop, 100);
    int twice = count_lines(log);
    dup2(real_stderr, STDERR_FILENO);
    close(real_stderr);
    fclose(log);
    cr_assert_eq(once, 1, "%d lines", once);
    cr_assert_eq(twice, 2, "%d lines", twice);
    cr_assert_eq(accepted, 0);
    time_now = mono_add_ms(time_now, 100);
    cr_assert_eq(loop_run(loop), 0);
    cr_assert_eq(accepted, 2);
    listeners_free(listeners);
    loop_free(loop);
}
