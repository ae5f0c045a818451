/* SPDX-License-Identifier: MIT */
#include "http_daemon.h"

#include "holds.h"
#include "http_p0f.h"
#include "modules.h"

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>

#define TEXT(number) TEXT_OF(number)
#define TEXT_OF(number) #number

static struct {
    _Atomic int64_t ns;
    pthread_t thread;
    struct loop *loop;
    struct config *config;
    struct modules modules;

    sem_t done;
    struct {
        int fd;
        const struct sockaddr *peer;
        socklen_t length;
    } taken;
} all = {.ns = INT64_C(1000000000000)};

static struct mono now(void)
{
    return (struct mono){all.ns};
}

static struct boottime boottime_now(void)
{
    return (struct boottime){all.ns};
}

/* ---- In the loop's thread, while the fuzzer's waits */

static void do_nothing(void *ctx)
{
    (void)ctx;
    sem_post(&all.done);
}

static void do_take(void *ctx)
{
    (void)ctx;
    HOLDS(
        http_server_take(all.modules.http, all.taken.fd, all.taken.peer, all.taken.length, false));
    sem_post(&all.done);
}

static void on_drained(void *ctx)
{
    (void)ctx;
    loop_stop(all.loop);
}

static void do_retire(void *ctx)
{
    (void)ctx;
    sensors_retire(all.modules.sensors, on_drained, NULL);
    sem_post(&all.done);
}

static void do_in_loop(void (*run)(void *ctx))
{
    struct loop_task task = {.run = run};

    loop_post(all.loop, &task);
    while (sem_wait(&all.done) != 0)
        ;
}

void http_daemon_take(int fd, const struct sockaddr *peer, socklen_t length)
{
    all.taken.fd = fd;
    all.taken.peer = peer;
    all.taken.length = length;
    do_in_loop(do_take);
}

void http_daemon_pass(int64_t ms)
{
    all.ns += ms * 1000000;
    do_in_loop(do_nothing);
    do_in_loop(do_nothing); /* a round that began after that */
}

bool http_daemon_at_rest(void)
{
    const struct modules *modules = &all.modules;

    return connections_count(modules->connections) == 0 && lookup_pending(modules->lookup) == 0 &&
           readiness_pending(modules->readiness) == 0 && status_pending(modules->status) == 0;
}

/* ---- Settings: everything runs out, and expires, soon */

static struct config *read_settings(const char *p0f_path)
{
    char socket[128], error[CONFIG_ERROR_SIZE];
    char *settings[] = {
        socket,
        "http.threads=1",
        "http.max_connections=16",
        "http.max_batch=8", /* twice the window */
        "http.idle_timeout=" TEXT(HTTP_DAEMON_PATIENCE_MS) "ms",
        "http.trusted_proxies=127.0.0.0/8, ::1",
        "http.cors_origins=" HTTP_DAEMON_ORIGIN,
        "http.access_log=yes",
        "p0f.connections=" TEXT(HTTP_DAEMON_P0F_CONNECTIONS),
        "p0f.pipeline=1",
        "p0f.timeout=1s",
        "p0f.first_contact_wait=20ms",
        "p0f.max_repeat_rate=0", /* the clock stands */
        "p0f.max_repeat_rate_per_client=0",
        "cache.ttl=2s",
        "cache.incomplete_ttl=1s",
        "cache.negative_ttl=1s",
        "cache.stale_while_revalidate=2s",
        "cache.stale_if_error=5s",
        "cache.max_hosts=64",
        "cache.max_misses=64",
    };
    const struct config_source source = {.override = settings,
                                         .override_count = sizeof settings / sizeof settings[0]};

    snprintf(socket, sizeof socket, "p0f.socket=%s", p0f_path);
    return config_load(&source, error);
}

/* ---- From start to end */

static void *run(void *ctx)
{
    HOLDS(loop_run(all.loop) == 0);
    return ctx;
}

void http_daemon_start(const char *p0f_path)
{
    char error[MODULES_ERROR_SIZE];

    signal(SIGPIPE, SIG_IGN);
    sem_init(&all.done, 0, 0);
    all.loop = loop_new(now);
    all.config = read_settings(p0f_path);
    HOLDS(all.loop && all.config);
    HOLDS(modules_build(&all.modules, all.config,
                        &(struct modules_options){.loop = all.loop,
                                                  .boottime = boottime_now,
                                                  .wall = clock_wall,
                                                  .key = {1, 2},
                                                  .started = 1700000000,
                                                  .version = "0"},
                        error));
    HOLDS(pthread_create(&all.thread, NULL, run, NULL) == 0);
}

void http_daemon_end(void)
{
    do_in_loop(do_retire);
    /* A draining connection is left after a while, or by an answer; time and p0f go on until then. */
    while (pthread_tryjoin_np(all.thread, NULL) != 0) {
        http_p0f_round();
        all.ns += 1000000;
        sched_yield();
    }
    modules_tear_down(&all.modules);
    loop_free(all.loop);
    config_free(all.config);
}
