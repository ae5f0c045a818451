/* SPDX-License-Identifier: MIT */
#include "modules.h"

#include "ops/process.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static struct loop *loop;
static struct config *config;
static struct modules modules;
static char error[MODULES_ERROR_SIZE];
static const struct sockaddr local = {.sa_family = AF_UNIX}; /* a client */

static struct config *settings(const char *more)
{
    char *override[] = {"p0f.socket=/nonexistent/p0f.sock", "http.threads=2",
                        "http.max_connections=64", "cache.max_hosts=7", (char *)(uintptr_t)more};
    const struct config_source source = {.override = override,
                                         .override_count = sizeof override / sizeof override[0]};
    char reason[CONFIG_ERROR_SIZE];
    struct config *read = config_load(&source, reason);

    cr_assert_not_null(read, "%s", reason);
    return read;
}

static bool build(const char *more)
{
    config = settings(more);
    loop = loop_new(clock_mono);
    return modules_build(&modules, config,
                         &(struct modules_options){.loop = loop,
                                                   .boottime = clock_boottime,
                                                   .wall = clock_wall,
                                                   .key = {1, 2},
                                                   .started = 1700000000,
                                                   .version = "1.2.3"},
                         error);
}

static void tear_down(void)
{
    modules_tear_down(&modules);
    loop_free(loop);
    config_free(config);
}

static void *run_loop(void *ctx)
{
    cr_assert_eq(loop_run(loop), 0);
    return ctx;
}

static void stop_loop(void *ctx)
{
    (void)ctx;
    loop_stop(loop);
}

/* What is answered to a request on a connection of its own. The loop runs meanwhile. */
static void ask_http(const char *request, char *answer, size_t size)
{
    struct loop_task stop = {.run = stop_loop};
    pthread_t thread;
    size_t used = 0;
    ssize_t got;
    int ends[2];

    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    cr_assert(http_server_take(modules.http, ends[1], &local, sizeof(sa_family_t), false));
    cr_assert_eq(pthread_create(&thread, NULL, run_loop, NULL), 0);
    cr_assert_eq(write(ends[0], request, strlen(request)), (ssize_t)strlen(request));
    while (used < size - 1 && (got = read(ends[0], answer + used, size - 1 - used)) > 0)
        used += (size_t)got;
    answer[used] = '\0';
    close(ends[0]);
    loop_post(loop, &stop);
    pthread_join(thread, NULL);
}

static void expect_status(const char *const *expected, size_t count)
{
    char answer[16384];

    ask_http("GET /status HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", answer, sizeof answer);
    cr_assert_eq(strncmp(answer, "HTTP/1.1 200 ", 13), 0, "%s", answer);
    for (size_t i = 0; i < count; i++)
        cr_assert_not_null(strstr(answer, expected[i]), "%s is not in %s", expected[i], answer);
}

#define EXPECT_STATUS(...)                                                                         \
    do {                                                                                           \
        static const char *const expected[] = {__VA_ARGS__};                                       \
        expect_status(expected, sizeof expected / sizeof expected[0]);                             \
    } while (0)

Test(modules, the_whole_answers_with_the_settings_given)
{
    cr_assert(build("p0f.max_pending=20"), "%s", error);
    EXPECT_STATUS("\"version\":\"1.2.3\"", "\"started\":\"2023-11-14T22:13:20Z\"",
                  "\"hosts\":{\"entries\":0,\"capacity\":7,", "\"max_pending\":20,\"flights\"",
                  "\"max_pending\":\"20\"",
                  "\"socket\":\"/nonexistent/p0f.sock\",\"p0f_up\":false");
    tear_down();
}

/* One connection in eight is kept from lookups. */
Test(modules, lookups_leave_connections_to_others)
{
    cr_assert(build("p0f.max_pending=1000"), "%s", error);
    cr_assert_eq(lookup_counts(modules.lookup).max_pending, 56);
    tear_down();
}

Test(modules, settings_that_need_no_restart)
{
    cr_assert(build("p0f.max_pending=20"), "%s", error);
    struct config *fresh = settings("p0f.max_pending=21");
    fresh->cache.ttl = 7000;
    fresh->p0f.max_rate = 9;
    cr_assert(modules_apply(&modules, fresh, fresh));
    cr_assert_eq(recall_times(modules.recall).ttl, 7000);
    EXPECT_STATUS("\"max_pending\":21,\"flights\"", "\"max_pending\":\"21\"", "\"ttl\":\"7s\"",
                  "\"max_rate\":9,", "\"waiting_for_restart\":{}}");
    config_free(fresh);
    tear_down();
}

Test(modules, settings_that_wait_for_a_restart)
{
    cr_assert(build("p0f.max_pending=20"), "%s", error);
    struct config *running = settings("p0f.max_pending=20");
    struct config *fresh = settings("cache.max_hosts=9");
    cr_assert(modules_apply(&modules, running, fresh));
    EXPECT_STATUS("\"max_hosts\":\"7\"", "\"waiting_for_restart\":{\"cache.max_hosts\":\"9\"}}");
    config_free(running);
    config_free(fresh);
    tear_down();
}

static void expect_descriptors_right(void)
{
    uint64_t count, right;

    cr_assert(descriptors_count(&modules.descriptors, &count));
    cr_assert(process_count_fds("/proc", &right));
    cr_assert_eq(count, right);
}

Test(modules, descriptors_of_clients_are_counted)
{
    int ends[2];

    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    cr_assert(build("http.threads=3"), "%s", error);
    expect_descriptors_right();
    cr_assert(http_server_take(modules.http, dup(ends[1]), &local, sizeof(sa_family_t), false));
    expect_descriptors_right();
    lingering_close_take(modules.lingering, dup(ends[1]), &local);
    expect_descriptors_right();
    tear_down();
    close(ends[0]);
    close(ends[1]);
}

Test(modules, descriptors_of_connections_at_the_gate_are_counted)
{
    int ends[2];

    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
    cr_assert(build("http.proxy_protocol=yes"), "%s", error);
    proxy_gate_take(modules.gate, dup(ends[1]), &local, sizeof(sa_family_t));
    expect_descriptors_right();
    proxy_gate_close(modules.gate);
    expect_descriptors_right();
    tear_down();
    close(ends[0]);
    close(ends[1]);
}

Test(modules, without_a_relay)
{
    char answer[16384];

    cr_assert(build("http.threads=1"), "%s", error);
    cr_assert_null(modules.relay);
    cr_assert_eq(modules_relay_connections(&modules), 0);
    ask_http("GET /status HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", answer, sizeof answer);
    cr_assert_null(strstr(answer, "\"relay\":{\"listen\":["));
    tear_down();
}

Test(modules, the_relay)
{
    int ends[2];

    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    cr_assert(build("relay.listen=unix:/x, unix:/y"), "%s", error);
    expect_descriptors_right();
    cr_assert(relay_take(modules.relay, dup(ends[1])));
    expect_descriptors_right();
    cr_assert_eq(modules_relay_connections(&modules), 1);
    EXPECT_STATUS("\"relay\":{\"listen\":[\"unix:/x\",\"unix:/y\"],\"connections\":1,"
                  "\"max_connections\":1000,\"lookups\":0,\"max_lookups\":28}");
    struct config *fresh = settings("p0f.max_pending=20");
    cr_assert(modules_apply(&modules, fresh, fresh));
    cr_assert_eq(relay_counts(modules.relay).max_lookups, 10);
    config_free(fresh);
    tear_down();
    close(ends[0]);
    close(ends[1]);
}

Test(modules, workers_that_cannot_be_started)
{
    const struct rlimit few = {.rlim_cur = 24, .rlim_max = 24};

    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
    cr_assert_not(build("http.threads=256"));
    cr_assert_eq(strncmp(error, "cannot start 256 HTTP workers: Too many open files; ", 51), 0,
                 "%s", error);
    cr_assert_null(modules.http);
    tear_down();
}
