/* SPDX-License-Identifier: MIT */
#include "share/redis_socket.h"

#include "core/strbuf.h"
#include "share/redis_tls.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>

/* An element has at least three bytes, "_\r\n"; CLUSTER SLOTS is nested four levels deep. */
#define ELEMENTS_MAX (REDIS_SOCKET_REPLY_MAX / 3)
#define DEPTH_MAX 7
#define GREETING_SIZE 24

struct redis_socket {
    struct loop *loop;
    redisContext *redis;
    struct ssl_st *tls; /* owned by `redis`; or NULL */
    char tls_name[256];
    bool wants_tls;
    struct loop_fd watch;
    uint32_t events; /* that `watch` is watched for; 0: not watched */
    struct loop_chore flush;
    bool connected;
    bool answered;     /* something has been received */
    size_t incomplete; /* bytes received of an incomplete reply */
    unsigned busy;     /* calls on the stack that still use it */
    bool lost, closed; /* on_lost() was called; the owner has closed it */
    void (*on_connected)(void *ctx);
    void (*on_reply)(void *ctx, const redisReply *reply);
    void (*on_lost)(void *ctx, const char *why);
    void *ctx;
};

/* ---- What is accepted */

#if HIREDIS_MAJOR == 0
typedef int element_count;
#else
typedef size_t element_count;
#endif

static redisReplyObjectFunctions unbounded;

/* hiredis allocates as many elements as the server announces, and frees nested arrays recursively. */
static void *create_bounded_array(const redisReadTask *task, element_count elements)
{
    unsigned depth = 0;

    for (const redisReadTask *parent = task->parent; parent; parent = parent->parent)
        depth++;
    return elements > ELEMENTS_MAX || depth >= DEPTH_MAX ? NULL
                                                         : unbounded.createArray(task, elements);
}

static void bound_replies(redisReader *reader)
{
    static redisReplyObjectFunctions bounded;

    if (!unbounded.createArray) {
        unbounded = bounded = *reader->fn;
        bounded.createArray = create_bounded_array;
    }
    reader->fn = &bounded;
}

/* ---- The end */

static void stop_io(struct redis_socket *opened)
{
    if (opened->events)
        loop_unwatch(opened->loop, &opened->watch);
    opened->events = 0;
    loop_drop(opened->loop, &opened->flush);
}

static void free_socket(struct redis_socket *opened)
{
    if (opened->redis)
        redisFree(opened->redis);
    free(opened);
}

void redis_socket_close(struct redis_socket *opened)
{
    if (!opened)
        return;
    stop_io(opened);
    opened->closed = true;
    if (opened->busy == 0)
        free_socket(opened);
}

static void hold_socket(struct redis_socket *opened)
{
    opened->busy++;
}

static void release_socket(struct redis_socket *opened)
{
    if (--opened->busy == 0 && opened->closed)
        free_socket(opened);
}

static bool is_over(const struct redis_socket *opened)
{
    return opened->lost || opened->closed;
}

static void lose_socket(struct redis_socket *opened, const char *why)
{
    stop_io(opened);
    opened->lost = true;
    opened->on_lost(opened->ctx, why);
}

static void lose_connection(struct redis_socket *opened, const char error[128])
{
    char why[REDIS_SOCKET_WHY_SIZE];

    if (opened->tls && redis_tls_fault(opened->tls, why, sizeof why))
        ;
    else if (opened->answered || opened->tls)
        snprintf(why, sizeof why, "connection lost: %.128s", error);
    else
        snprintf(
            why, sizeof why,
            "connection lost before any reply: %.128s; does the server expect TLS (rediss://)?",
            error);
    lose_socket(opened, why);
}

/* ---- Input */

static bool is_reply(char byte)
{
    return byte && strchr("+-:$*_#,(=%~>|!", byte);
}

/* The first bytes show that this is another kind of server. */
static void lose_foreign(struct redis_socket *opened, const char *bytes, size_t length)
{
    char why[REDIS_SOCKET_WHY_SIZE], begin[GREETING_SIZE];
    size_t count = 0;

    for (; count < length && count < sizeof begin - 1 && bytes[count] >= ' ' && bytes[count] <= '~';
         count++)
        begin[count] = bytes[count];
    begin[count] = '\0';
    if (bytes[0] == 0x15 || bytes[0] == 0x16)
        snprintf(why, sizeof why, "the server expects TLS: use rediss:// in share.server");
    else
        snprintf(why, sizeof why, "not a Valkey or Redis server: it sent '%s...'", begin);
    lose_socket(opened, why);
}

/* Errors end up in the log and in /status. That of an unknown command repeats its arguments, and so the address of
 * a host. */
static void cut_arguments(redisReply *reply)
{
    char *arguments = reply->type == REDIS_REPLY_ERROR ? strstr(reply->str, ", with args ") : NULL;

    if (!arguments)
        return;
    *arguments = '\0';
    reply->len = (size_t)(arguments - reply->str);
}

static void parse_replies(struct redis_socket *opened)
{
    redisReader *reader = opened->redis->reader;
    void *reply;

    while (!is_over(opened)) {
        if (redisReaderGetReply(reader, &reply) != REDIS_OK) {
            lose_socket(opened, reader->err == REDIS_ERR_OOM
                                    ? "a reply with too many elements, or out of memory"
                                    : reader->errstr);
            return;
        }
        if (!reply)
            return;
        opened->incomplete = reader->len - reader->pos;
        cut_arguments(reply);
        opened->on_reply(opened->ctx, reply);
        reader->fn->freeObject(reply);
    }
}

static void read_socket(struct redis_socket *opened)
{
    redisReader *reader = opened->redis->reader;
    size_t before = reader->len;

    if (redisBufferRead(opened->redis) != REDIS_OK) {
        lose_connection(opened, opened->redis->errstr);
        return;
    }
    if (reader->len == before)
        return;
    if (!opened->answered && !is_reply(reader->buf[0])) {
        lose_foreign(opened, reader->buf, reader->len);
        return;
    }
    opened->answered = true;
    opened->incomplete += reader->len - before;
    parse_replies(opened);
    if (!is_over(opened) && opened->incomplete > REDIS_SOCKET_REPLY_MAX)
        lose_socket(opened, "a reply larger than 1 MB");
}

/* ---- Output */

static void watch_for(struct redis_socket *opened, uint32_t events)
{
    if (events == opened->events)
        return;
    int failed = opened->events ? loop_rewatch(opened->loop, &opened->watch, events)
                                : loop_watch(opened->loop, &opened->watch, events);
    if (failed)
        lose_socket(opened, strerror(errno));
    else
        opened->events = events;
}

static void write_socket(struct redis_socket *opened)
{
    int done = 0;

    if (redisBufferWrite(opened->redis, &done) == REDIS_OK) {
        /* TLS may have to read first. */
        bool waits = !done && !(opened->tls && redis_tls_wants_read(opened->tls));
        watch_for(opened, EPOLLIN | (waits ? (uint32_t)EPOLLOUT : 0));
        return;
    }
    /* An error that the server sent before it closed the connection is the better reason. */
    char why[sizeof opened->redis->errstr];
    snprintf(why, sizeof why, "%s", opened->redis->errstr);
    opened->redis->err = 0;
    read_socket(opened);
    if (!is_over(opened))
        lose_connection(opened, why);
}

static void on_flush(void *ctx)
{
    struct redis_socket *opened = ctx;

    hold_socket(opened);
    write_socket(opened);
    release_socket(opened);
}

static void put_count(struct strbuf *command, const char *type, size_t count)
{
    strbuf_puts(command, type);
    strbuf_put_number(command, (int64_t)count);
    strbuf_puts(command, "\r\n");
}

/* Encoded here, since hiredis takes several times as long. */
bool redis_socket_send(struct redis_socket *opened, int argc, const char **argv,
                       const size_t *lengths)
{
    char text[REDIS_SOCKET_COMMAND_MAX];
    struct strbuf command = strbuf_on(text, sizeof text);

    put_count(&command, "*", (size_t)argc);
    for (int i = 0; i < argc; i++) {
        put_count(&command, "$", lengths[i]);
        strbuf_put(&command, argv[i], lengths[i]);
        strbuf_puts(&command, "\r\n");
    }
    if (command.failed ||
        redisAppendFormattedCommand(opened->redis, text, command.used) != REDIS_OK)
        return false;
    if (!(opened->events & EPOLLOUT))
        loop_later(opened->loop, &opened->flush);
    return true;
}

/* ---- The beginning */

static void finish_connecting(struct redis_socket *opened)
{
    const int on = 1;
    int error = 0;
    socklen_t length = sizeof error;

    if (getsockopt(opened->watch.fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0)
        error = errno;
    if (error) {
        char why[REDIS_SOCKET_WHY_SIZE];
        snprintf(why, sizeof why, "cannot connect: %s", strerror(error));
        lose_socket(opened, why);
        return;
    }
    opened->connected = true;
    if (opened->redis->connection_type == REDIS_CONN_TCP) {
        setsockopt(opened->watch.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        redisEnableKeepAlive(opened->redis); /* finds a dead connection that is not used */
    }
    if (opened->wants_tls) {
        char why[REDIS_SOCKET_WHY_SIZE];
        opened->tls = redis_tls_start(opened->redis, opened->tls_name, why, sizeof why);
        if (!opened->tls) {
            lose_socket(opened, why);
            return;
        }
    }
    watch_for(opened, EPOLLIN);
    if (!is_over(opened))
        opened->on_connected(opened->ctx);
}

static void on_socket(void *ctx, uint32_t events)
{
    struct redis_socket *opened = ctx;

    hold_socket(opened);
    if (!opened->connected)
        finish_connecting(opened);
    else if (events & ~(uint32_t)EPOLLOUT)
        read_socket(opened);
    if (opened->connected && !is_over(opened) &&
        (events & EPOLLOUT || (opened->tls && !(opened->events & EPOLLOUT))))
        write_socket(opened);
    release_socket(opened);
}

static bool connect_socket(struct redis_socket *opened, const struct redis_socket_options *options,
                           char why[REDIS_SOCKET_WHY_SIZE])
{
    /* hiredis 0.14 truncates a longer path, without a NUL. */
    if (options->is_unix &&
        strlen(options->host) >= sizeof((struct sockaddr_un *)0)->sun_path - 1) {
        snprintf(why, REDIS_SOCKET_WHY_SIZE, "cannot connect: %s", strerror(ENAMETOOLONG));
        return false;
    }
    opened->redis = options->is_unix ? redisConnectUnixNonBlock(options->host)
                                     : redisConnectNonBlock(options->host, options->port);
    if (!opened->redis || opened->redis->err) {
        snprintf(why, REDIS_SOCKET_WHY_SIZE, "cannot connect: %s",
                 opened->redis ? opened->redis->errstr : "out of memory");
        return false;
    }
    bound_replies(opened->redis->reader);
    opened->watch = (struct loop_fd){.fd = opened->redis->fd, .ready = on_socket, .ctx = opened};
    if (fcntl(opened->watch.fd, F_SETFD, FD_CLOEXEC) != 0 ||
        loop_watch(opened->loop, &opened->watch, EPOLLOUT) != 0) {
        snprintf(why, REDIS_SOCKET_WHY_SIZE, "cannot connect: %s", strerror(errno));
        return false;
    }
    opened->events = EPOLLOUT;
    return true;
}

struct redis_socket *redis_socket_open(const struct redis_socket_options *options,
                                       char why[REDIS_SOCKET_WHY_SIZE])
{
    struct redis_socket *opened = calloc(1, sizeof *opened);

    if (!opened) {
        snprintf(why, REDIS_SOCKET_WHY_SIZE, "out of memory");
        return NULL;
    }
    *opened = (struct redis_socket){.loop = options->loop,
                                    .wants_tls = options->tls_name != NULL,
                                    .on_connected = options->connected,
                                    .on_reply = options->reply,
                                    .on_lost = options->lost,
                                    .ctx = options->ctx};
    snprintf(opened->tls_name, sizeof opened->tls_name, "%s",
             options->tls_name ? options->tls_name : "");
    opened->flush = (struct loop_chore){.run = on_flush, .ctx = opened};
    if (connect_socket(opened, options, why))
        return opened;
    free_socket(opened);
    return NULL;
}
