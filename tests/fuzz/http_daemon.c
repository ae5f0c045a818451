/* SPDX-License-Identifier: MIT */
#include "http_daemon.h"

#include "config/snapshot.h"
#include "holds.h"
#include "http/connections.h"
#include "http/lingering_close.h"
#include "http/server.h"
#include "http_p0f.h"
#include "lookup/lookup.h"
#include "net/networks.h"
#include "net/origins.h"
#include "ops/readiness.h"
#include "ops/status.h"

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>

#define HOSTS 64
#define MOST 16 /* connections */
#define BATCH 8

static struct {
    _Atomic int64_t ns;
    pthread_t thread;
    struct loop *loop;
    struct recall *recall;
    struct pool *pool;
    struct lookup *lookup;
    struct readiness *readiness;
    struct status *status;
    struct networks *trusted;
    struct origins *cors;
    struct connections *connections;
    struct lingering_close *lingering;
    struct http_server *http;

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

/* ---- In the loop's thread, while the fuzzer's waits */

static void do_nothing(void *ctx)
{
    (void)ctx;
    sem_post(&all.done);
}

static void do_take(void *ctx)
{
    (void)ctx;
    HOLDS(http_server_take(all.http, all.taken.fd, all.taken.peer, all.taken.length));
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
    pool_retire(all.pool, on_drained, NULL);
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
    return connections_count(all.connections) == 0 && lookup_pending(all.lookup) == 0 &&
           readiness_pending(all.readiness) == 0 && status_pending(all.status) == 0;
}

/* ---- Built as server.c does it */

static void on_linger(void *ctx, int fd)
{
    lingering_close_take(ctx, fd);
}

static void build_core(const char *p0f_path, struct hash_key key)
{
    const struct recall_times times = {.ttl = 2000,
                                       .incomplete_ttl = 1000,
                                       .negative_ttl = 1000,
                                       .stale_while_revalidate = 2000,
                                       .stale_if_error = 5000};
    const struct lookup_limits limits = {
        .timeout = 1000, .first_contact_wait = 20, .max_pending = MOST};

    all.loop = loop_new(now);
    all.recall = recall_new(&(struct recall_options){
        .max_hosts = HOSTS, .max_misses = HOSTS, .times = times, .key = key});
    all.pool = pool_new(all.loop, &(struct pool_options){.socket = p0f_path,
                                                         .dialect = P0F_DIALECT_AUTO,
                                                         .connections = HTTP_DAEMON_P0F_CONNECTIONS,
                                                         .pipeline = 4,
                                                         .seed = 1});
    all.lookup = lookup_new(all.loop, all.recall, all.pool, now, key, &limits);
    all.readiness = readiness_new(all.loop, all.pool, limits.timeout);
    all.status = status_new(&(struct status_options){.loop = all.loop,
                                                     .recall = all.recall,
                                                     .lookup = all.lookup,
                                                     .pool = all.pool,
                                                     .max_hosts = HOSTS,
                                                     .max_misses = HOSTS,
                                                     .version = "0",
                                                     .started = 1700000000});
    HOLDS(all.loop && all.recall && all.pool && all.lookup && all.readiness && all.status);
}

static void build_http(void)
{
    char error[NETWORKS_ERROR_SIZE + ORIGINS_ERROR_SIZE];
    struct config_snapshot *settings = config_snapshot_new();

    config_snapshot_add(settings, "http", "threads", "1");
    status_set_configuration(all.status, settings);
    all.trusted = networks_parse("127.0.0.0/8, ::1", error);
    all.cors = origins_parse(HTTP_DAEMON_ORIGIN, error);
    all.connections =
        connections_new(&(struct connections_options){.loop = all.loop,
                                                      .max = MOST,
                                                      .patience_ms = HTTP_DAEMON_PATIENCE_MS,
                                                      .trusted = all.trusted});
    all.lingering = lingering_close_new(all.loop, all.trusted);
    all.http =
        http_server_start(&(struct http_server_options){.lookup = all.lookup,
                                                        .readiness = all.readiness,
                                                        .status = all.status,
                                                        .connections = all.connections,
                                                        .threads = 1,
                                                        .max_connections = MOST,
                                                        .max_batch = BATCH,
                                                        .batch_window = BATCH / 2,
                                                        .idle_timeout_ms = HTTP_DAEMON_PATIENCE_MS,
                                                        .trusted = all.trusted,
                                                        .cors = all.cors,
                                                        .linger = on_linger,
                                                        .linger_ctx = all.lingering,
                                                        .access_log = true,
                                                        .version = "0"});
    HOLDS(all.trusted && all.cors && all.connections && all.lingering && all.http);
}

static void *run(void *ctx)
{
    HOLDS(loop_run(all.loop) == 0);
    return ctx;
}

void http_daemon_start(const char *p0f_path)
{
    signal(SIGPIPE, SIG_IGN);
    sem_init(&all.done, 0, 0);
    build_core(p0f_path, (struct hash_key){1, 2});
    build_http();
    HOLDS(pthread_create(&all.thread, NULL, run, NULL) == 0);
}

void http_daemon_end(void)
{
    do_in_loop(do_retire);
    /* What is condemned is left after a while, or by an answer; time and p0f go on until then. */
    while (pthread_tryjoin_np(all.thread, NULL) != 0) {
        http_p0f_round();
        all.ns += 1000000;
        sched_yield();
    }
    http_server_stop(all.http);
    connections_free(all.connections);
    lingering_close_free(all.lingering);
    status_free(all.status);
    origins_free(all.cors);
    networks_free(all.trusted);
    lookup_free(all.lookup);
    pool_free(all.pool);
    readiness_free(all.readiness);
    recall_free(all.recall);
    loop_free(all.loop);
}
