/* SPDX-License-Identifier: MIT */
/* The blocking query: a thin layer over one p0f_conn.
 *
 * A query that times out leaves a connection that must not be closed yet. It is parked with its
 * outstanding answers, and the next query for the same path is sent on it. */
#include "p0fclient.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define PIPELINE 16u

struct channel {
    SLIST_ENTRY(channel) link;
    struct p0f_conn *conn;
    char path[];
};

/* On the heap, since it outlives a call that times out. */
struct query {
    bool answered;
    bool abandoned;
    enum p0f_error error;
    struct p0f_host host;
};

static pthread_mutex_t parked_lock = PTHREAD_MUTEX_INITIALIZER;
static SLIST_HEAD(channels, channel) parked = SLIST_HEAD_INITIALIZER(parked);

static struct channel *channel_new(const char *path)
{
    size_t size = strlen(path) + 1;
    struct channel *channel = calloc(1, sizeof *channel + size);

    if (channel)
        memcpy(channel->path, path, size);
    return channel;
}

static void park(struct channel *channel)
{
    pthread_mutex_lock(&parked_lock);
    SLIST_INSERT_HEAD(&parked, channel, link);
    pthread_mutex_unlock(&parked_lock);
}

/* The caller owns the result. NULL when there is none. A NULL path matches any. */
static struct channel *unpark(const char *path)
{
    struct channel *channel;

    pthread_mutex_lock(&parked_lock);
    SLIST_FOREACH(channel, &parked, link)
        if (!path || strcmp(channel->path, path) == 0)
            break;
    if (channel)
        SLIST_REMOVE(&parked, channel, channel, link);
    pthread_mutex_unlock(&parked_lock);
    return channel;
}

/* Closes the channel, or parks it if an answer is outstanding. */
static void release(struct channel *channel)
{
    if (p0f_conn_free(channel->conn))
        free(channel);
    else
        park(channel);
}

static enum p0f_error connect_channel(const char *path, struct channel **out)
{
    struct channel *channel = unpark(path);

    if (channel) {
        if (p0f_conn_io(channel->conn) == P0F_OK) { /* reads late answers */
            *out = channel;
            return P0F_OK;
        }
        release(channel);
    }
    channel = channel_new(path);
    if (!channel)
        return P0F_SYSTEM;
    enum p0f_error error = p0f_conn_open(path, P0F_DIALECT_AUTO, PIPELINE, &channel->conn);
    if (error != P0F_OK) {
        int cause = errno;
        free(channel);
        errno = cause;
        return error;
    }
    *out = channel;
    return P0F_OK;
}

static void on_query_answer(void *ctx, enum p0f_error error, const struct p0f_host *host)
{
    struct query *query = ctx;

    if (query->abandoned) {
        free(query);
        return;
    }
    query->answered = true;
    query->error = error;
    if (host)
        query->host = *host;
}

/* Sets *fd to a descriptor that becomes readable at a time of CLOCK_MONOTONIC, or after one (`flags` 0):
 * the library reads no clock. */
static enum p0f_error alarm_set(int flags, struct timespec when, int *fd)
{
    struct itimerspec at = {.it_value = when};

    if (when.tv_nsec < 0 || when.tv_nsec >= 1000000000)
        return P0F_INVALID;
    if (when.tv_sec < 0 || (when.tv_sec == 0 && when.tv_nsec == 0))
        at.it_value = (struct timespec){.tv_nsec = 1}; /* zero would disarm it */
    *fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (*fd < 0)
        return P0F_SYSTEM;
    timerfd_settime(*fd, flags, &at, NULL); /* fails for invalid times only */
    return P0F_OK;
}

/* Without a deadline *fd is -1, which poll() ignores. */
static enum p0f_error alarm_at(const struct timespec *deadline, int *fd)
{
    *fd = -1;
    return deadline ? alarm_set(TFD_TIMER_ABSTIME, *deadline, fd) : P0F_OK;
}

static void alarm_close(int fd)
{
    int cause = errno;

    if (fd >= 0)
        close(fd);
    errno = cause;
}

/* Waits for the socket or the alarm. False when the alarm has gone off. */
static bool wait_for(const struct p0f_conn *conn, int alarm_fd)
{
    struct pollfd watched[2] = {
        {.fd = p0f_conn_fd(conn), .events = POLLIN},
        {.fd = alarm_fd, .events = POLLIN},
    };

    if (p0f_conn_wants_write(conn))
        watched[0].events |= POLLOUT;
    return poll(watched, 2, -1) < 0 || watched[1].revents == 0 || watched[0].revents != 0;
}

static void await_answer(struct p0f_conn *conn, const struct query *query, int alarm_fd)
{
    p0f_conn_io(conn);
    while (!query->answered && wait_for(conn, alarm_fd))
        p0f_conn_io(conn);
}

static enum p0f_error conclude(struct query *query, struct p0f_host *host)
{
    enum p0f_error error = query->error;

    if (!query->answered) {
        query->abandoned = true; /* on_query_answer() frees it */
        return P0F_TIMEOUT;
    }
    if (error == P0F_OK) {
        *host = query->host;
        error = p0f_host_check(host);
    }
    free(query);
    return error;
}

static enum p0f_error ask(struct p0f_conn *conn, const struct p0f_addr *addr, int alarm_fd,
                          struct p0f_host *host)
{
    struct query *query = calloc(1, sizeof *query);

    if (!query)
        return P0F_SYSTEM;
    enum p0f_error error = p0f_conn_ask(conn, addr, on_query_answer, query);
    if (error != P0F_OK) {
        free(query);
        return error;
    }
    await_answer(conn, query, alarm_fd);
    return conclude(query, host);
}

static enum p0f_error lookup_until(const char *path, const struct p0f_addr *addr, int alarm_fd,
                                   struct p0f_host *host)
{
    struct channel *channel;
    enum p0f_error error = connect_channel(path, &channel);

    if (error != P0F_OK)
        return error;
    error = ask(channel->conn, addr, alarm_fd, host);
    release(channel);
    return error;
}

enum p0f_error p0f_lookup(const char *path, const struct p0f_addr *addr,
                          const struct timespec *deadline, struct p0f_host *host)
{
    int alarm_fd;

    if (!path || !addr || !host)
        return P0F_INVALID;
    enum p0f_error error = alarm_at(deadline, &alarm_fd);
    if (error != P0F_OK)
        return error;
    error = lookup_until(path, addr, alarm_fd, host);
    alarm_close(alarm_fd);
    return error;
}

enum p0f_error p0f_lookup_text(const char *path, const char *text, unsigned timeout_ms,
                               struct p0f_host *host)
{
    const struct timespec timeout = {.tv_sec = timeout_ms / 1000,
                                     .tv_nsec = timeout_ms % 1000 * 1000000L};
    struct p0f_addr addr;
    int alarm_fd;

    if (!path || !text || !host)
        return P0F_INVALID;
    enum p0f_error error = p0f_addr_parse(text, strlen(text), &addr);
    if (error != P0F_OK)
        return error;
    error = alarm_set(0, timeout, &alarm_fd);
    if (error != P0F_OK)
        return error;
    error = lookup_until(path, &addr, alarm_fd, host);
    alarm_close(alarm_fd);
    return error;
}

unsigned p0f_lookup_drain(const struct timespec *deadline)
{
    struct channels still_outstanding = SLIST_HEAD_INITIALIZER(still_outstanding);
    struct channel *channel;
    unsigned count = 0;
    int alarm_fd;

    bool can_wait = alarm_at(deadline, &alarm_fd) == P0F_OK;
    while ((channel = unpark(NULL))) {
        p0f_conn_io(channel->conn);
        while (can_wait && p0f_conn_outstanding(channel->conn) > 0 &&
               wait_for(channel->conn, alarm_fd))
            p0f_conn_io(channel->conn);
        if (p0f_conn_free(channel->conn)) {
            free(channel);
            continue;
        }
        SLIST_INSERT_HEAD(&still_outstanding, channel, link);
        count++;
    }
    while ((channel = SLIST_FIRST(&still_outstanding))) {
        SLIST_REMOVE_HEAD(&still_outstanding, link);
        park(channel);
    }
    alarm_close(alarm_fd);
    return count;
}

bool p0f_lookup_detach(void)
{
    const struct timespec past = {0};
    struct channel *channel;

    p0f_lookup_drain(&past);
    while ((channel = unpark(NULL))) {
        if (!p0f_conn_detach(channel->conn)) {
            park(channel);
            return false;
        }
        free(channel);
    }
    return true;
}
