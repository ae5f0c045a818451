/* SPDX-License-Identifier: MIT */
/* The blocking question: a thin layer over one p0f_conn.
 *
 * A question that times out leaves a connection that must not be closed yet. It is parked, with its
 * place in line, and the next question for the same path goes out on it. */
#include "p0fclient.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define OWED_AT_MAX 16u

struct line {
    SLIST_ENTRY(line) link;
    struct p0f_conn *conn;
    char path[];
};

/* On the heap, as it outlives the call that timed out. */
struct question {
    bool answered;
    bool abandoned;
    enum p0f_error error;
    struct p0f_host host;
};

static pthread_mutex_t parked_lock = PTHREAD_MUTEX_INITIALIZER;
static SLIST_HEAD(lines, line) parked = SLIST_HEAD_INITIALIZER(parked);

static struct line *line_new(const char *path)
{
    size_t size = strlen(path) + 1;
    struct line *line = calloc(1, sizeof *line + size);

    if (line)
        memcpy(line->path, path, size);
    return line;
}

static void park(struct line *line)
{
    pthread_mutex_lock(&parked_lock);
    SLIST_INSERT_HEAD(&parked, line, link);
    pthread_mutex_unlock(&parked_lock);
}

/* The caller owns what is returned; NULL when there is none. A NULL path takes any. */
static struct line *unpark(const char *path)
{
    struct line *line;

    pthread_mutex_lock(&parked_lock);
    SLIST_FOREACH(line, &parked, link)
        if (!path || strcmp(line->path, path) == 0)
            break;
    if (line)
        SLIST_REMOVE(&parked, line, line, link);
    pthread_mutex_unlock(&parked_lock);
    return line;
}

/* Closes the line if p0f owes nothing on it, else keeps it for later. */
static void release(struct line *line)
{
    if (p0f_conn_free(line->conn))
        free(line);
    else
        park(line);
}

static enum p0f_error connect_line(const char *path, struct line **out)
{
    struct line *line = unpark(path);

    if (line) {
        if (p0f_conn_io(line->conn) == P0F_OK) { /* read what came late */
            *out = line;
            return P0F_OK;
        }
        release(line);
    }
    line = line_new(path);
    if (!line)
        return P0F_SYSTEM;
    enum p0f_error error = p0f_conn_open(path, P0F_DIALECT_AUTO, OWED_AT_MAX, &line->conn);
    if (error != P0F_OK) {
        int cause = errno;
        free(line);
        errno = cause;
        return error;
    }
    *out = line;
    return P0F_OK;
}

static void on_question_answer(void *ctx, enum p0f_error error, const struct p0f_host *host)
{
    struct question *question = ctx;

    if (question->abandoned) {
        free(question);
        return;
    }
    question->answered = true;
    question->error = error;
    if (host)
        question->host = *host;
}

/* A descriptor that becomes readable at the deadline: the kernel watches the clock, not we.
 * NULL is for ever: -1, which poll passes over, as it does for a failure of ours. */
static enum p0f_error alarm_at(const struct timespec *deadline, int *fd)
{
    struct itimerspec at = {0};

    *fd = -1;
    if (!deadline)
        return P0F_OK;
    at.it_value = *deadline;
    if (at.it_value.tv_sec <= 0 && at.it_value.tv_nsec <= 0)
        at.it_value = (struct timespec){.tv_nsec = 1}; /* zero would disarm it */
    *fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (*fd < 0)
        return P0F_SYSTEM;
    if (timerfd_settime(*fd, TFD_TIMER_ABSTIME, &at, NULL) == 0)
        return P0F_OK;
    int cause = errno;
    close(*fd);
    *fd = -1;
    errno = cause;
    return P0F_SYSTEM;
}

/* Waits for the socket or the alarm; false when the alarm has gone off. */
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

static void await_answer(struct p0f_conn *conn, const struct question *question, int alarm_fd)
{
    p0f_conn_io(conn);
    while (!question->answered && wait_for(conn, alarm_fd))
        p0f_conn_io(conn);
}

static enum p0f_error conclude(struct question *question, struct p0f_host *host)
{
    enum p0f_error error = question->error;

    if (!question->answered) {
        question->abandoned = true; /* on_answer frees it */
        return P0F_TIMEOUT;
    }
    if (error == P0F_OK) {
        *host = question->host;
        error = p0f_host_check(host);
    }
    free(question);
    return error;
}

static enum p0f_error ask(struct p0f_conn *conn, const struct p0f_addr *addr, int alarm_fd,
                          struct p0f_host *host)
{
    struct question *question = calloc(1, sizeof *question);

    if (!question)
        return P0F_SYSTEM;
    enum p0f_error error = p0f_conn_ask(conn, addr, on_question_answer, question);
    if (error != P0F_OK) {
        free(question);
        return error;
    }
    await_answer(conn, question, alarm_fd);
    return conclude(question, host);
}

enum p0f_error p0f_lookup(const char *path, const struct p0f_addr *addr,
                          const struct timespec *deadline, struct p0f_host *host)
{
    struct line *line;
    int alarm_fd;
    enum p0f_error error = alarm_at(deadline, &alarm_fd);

    if (error != P0F_OK)
        return error;
    error = connect_line(path, &line);
    if (error == P0F_OK) {
        error = ask(line->conn, addr, alarm_fd, host);
        release(line);
    }
    if (alarm_fd >= 0) {
        int cause = errno;
        close(alarm_fd);
        errno = cause;
    }
    return error;
}

unsigned p0f_lookup_drain(const struct timespec *deadline)
{
    struct lines still_outstanding = SLIST_HEAD_INITIALIZER(still_outstanding);
    struct line *line;
    unsigned count = 0;
    int alarm_fd;

    bool can_wait = alarm_at(deadline, &alarm_fd) == P0F_OK;
    while ((line = unpark(NULL))) {
        p0f_conn_io(line->conn);
        while (can_wait && p0f_conn_outstanding(line->conn) > 0 && wait_for(line->conn, alarm_fd))
            p0f_conn_io(line->conn);
        if (p0f_conn_free(line->conn)) {
            free(line);
            continue;
        }
        SLIST_INSERT_HEAD(&still_outstanding, line, link);
        count++;
    }
    while ((line = SLIST_FIRST(&still_outstanding))) {
        SLIST_REMOVE_HEAD(&still_outstanding, link);
        park(line);
    }
    if (alarm_fd >= 0)
        close(alarm_fd);
    return count;
}
