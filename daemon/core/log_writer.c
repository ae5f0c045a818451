/* SPDX-License-Identifier: MIT */
#include "core/log_writer.h"

#include "core/clock.h"
#include "core/metrics.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define QUEUE_SIZE (512 * 1024) /* some 7,000 lines of the access log */
#define PIECE_MAX PIPE_BUF      /* what a pipe takes whole, however many processes write to it */
#define REST_MS 10
#define STOP_MAX_MS 5000
#define STOP_STALLED_MS 1000

static void count_lost(uint64_t lines)
{
    for (; lines > 0; lines--)
        metrics_count(METRIC_LOG_LINES_LOST);
}

/* ---- The queue: lines are added to one buffer while the writer writes the other */

struct buffer {
    char text[QUEUE_SIZE];
    size_t used;
    uint64_t lost; /* lines for which there was no room, after all that are in it */
};

enum writer_state {
    WRITER_WAITS, /* for lines */
    WRITER_RESTS, /* so that the next lines are written together */
    WRITER_WRITES,
    WRITER_ENDED,
};

static struct {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    pthread_cond_t ended;
    struct buffer buffers[2];
    struct buffer *filling;
    bool hurry; /* not to rest before it is written */
    enum writer_state state;
    bool stopping;
} queue = {
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .wake = PTHREAD_COND_INITIALIZER,
    .ended = PTHREAD_COND_INITIALIZER,
    .filling = &queue.buffers[0],
};

static const char *prefix; /* of its own messages */
static pthread_t thread;
static _Atomic uint32_t pieces_written;

void log_writer_put(const char *line, size_t length, bool urgent)
{
    pthread_mutex_lock(&queue.lock);
    struct buffer *buffer = queue.filling;
    bool fits = buffer->lost == 0 && length <= QUEUE_SIZE - buffer->used;
    if (fits) {
        memcpy(buffer->text + buffer->used, line, length);
        buffer->used += length;
    } else {
        buffer->lost++;
    }
    queue.hurry = queue.hurry || urgent || buffer->used > QUEUE_SIZE / 2;
    if (queue.state == WRITER_WAITS || (queue.state == WRITER_RESTS && queue.hurry)) {
        queue.state = WRITER_WRITES;
        pthread_cond_signal(&queue.wake);
    }
    pthread_mutex_unlock(&queue.lock);
    if (!fits)
        count_lost(1);
}

/* ---- The writer */

/* A line that a full disk has cut is completed before anything else is written. */
static struct {
    char text[LOG_WRITER_LINE_SIZE]; /* its remainder */
    size_t length;
} torn;

/* Lines lost since the last one that was written, to be reported in their place. */
static struct {
    uint64_t lines;
    int error; /* 0: there was no room in the queue */
} missing;

static size_t compose_missing(char line[LOG_WRITER_LINE_SIZE])
{
    return (size_t)snprintf(line, LOG_WRITER_LINE_SIZE, "%s%llu log line%s lost: %s\n", prefix,
                            (unsigned long long)missing.lines, missing.lines == 1 ? "" : "s",
                            missing.error ? strerror(missing.error)
                                          : "standard error was not read in time");
}

/* The number of bytes written; fewer than `length`, with errno, if that fails. Blocks. */
static size_t write_all(const char *text, size_t length)
{
    struct pollfd room = {.fd = STDERR_FILENO, .events = POLLOUT};
    size_t done = 0;

    while (done < length) {
        ssize_t count = write(STDERR_FILENO, text + done, length - done);
        if (count > 0)
            done += (size_t)count;
        else if (count < 0 && errno == EAGAIN) /* another process has made it non-blocking */
            poll(&room, 1, -1);
        else if (count == 0 || errno != EINTR)
            break;
    }
    return done;
}

static uint64_t count_lines(const char *text, size_t length)
{
    uint64_t lines = 0;

    for (size_t i = 0; i < length; i++)
        lines += text[i] == '\n';
    return lines;
}

/* Writes the rest of a torn line, and how many lines are missing since. */
static bool write_owed(void)
{
    char line[LOG_WRITER_LINE_SIZE];
    size_t done = write_all(torn.text, torn.length);

    torn.length -= done;
    memmove(torn.text, torn.text + done, torn.length);
    if (torn.length > 0)
        return false;
    if (missing.lines == 0)
        return true;
    size_t length = compose_missing(line);
    done = write_all(line, length);
    if (done == 0)
        return false;
    missing.lines = 0;
    torn.length = length - done;
    memcpy(torn.text, line + done, torn.length);
    return torn.length == 0;
}

/* After an error that has left `text`, the first `done` bytes of it written. */
static void lose_lines(const char *text, size_t length, size_t done)
{
    missing.error = errno;
    if (done > 0 && text[done - 1] != '\n') {
        const char *begin = text + done, *end = memchr(begin, '\n', length - done);
        torn.length = (size_t)(end + 1 - begin);
        memcpy(torn.text, begin, torn.length);
        done += torn.length;
    }
    uint64_t lines = count_lines(text + done, length - done);
    missing.lines += lines;
    count_lost(lines);
}

static void write_lines(const char *text, size_t length)
{
    while (length > 0) {
        size_t piece = length, done = 0;
        if (piece > PIECE_MAX)
            piece = (size_t)((const char *)memrchr(text, '\n', PIECE_MAX) + 1 - text);
        if (!write_owed() || (done = write_all(text, piece)) < piece) {
            lose_lines(text, length, done);
            return;
        }
        atomic_fetch_add_explicit(&pieces_written, 1, memory_order_relaxed);
        text += piece;
        length -= piece;
    }
}

/* With the lock, which is released while it writes. */
static void write_queue(void)
{
    struct buffer *full = queue.filling;

    queue.filling = &queue.buffers[full == &queue.buffers[0]];
    queue.hurry = false;
    queue.state = WRITER_WRITES;
    pthread_mutex_unlock(&queue.lock);
    write_lines(full->text, full->used);
    if (full->lost > 0) {
        missing.error = missing.lines > 0 ? missing.error : 0;
        missing.lines += full->lost;
        write_owed();
    }
    full->used = 0;
    full->lost = 0;
    pthread_mutex_lock(&queue.lock);
}

static struct timespec time_in_ms(int64_t ms)
{
    int64_t ns = mono_add_ms(clock_mono(), ms).ns;

    return (struct timespec){.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
}

/* Instead of being woken for each line, it looks for more after a while, unless there is a hurry. With the
 * lock. */
static void rest(void)
{
    const struct timespec end = time_in_ms(REST_MS);

    queue.state = WRITER_RESTS;
    while (!queue.hurry && !queue.stopping &&
           pthread_cond_clockwait(&queue.wake, &queue.lock, CLOCK_MONOTONIC, &end) == 0)
        ;
}

static void *run_writer(void *ctx)
{
    pthread_mutex_lock(&queue.lock);
    while (queue.filling->used > 0 || !queue.stopping) {
        if (queue.filling->used > 0) {
            write_queue();
            rest();
        } else {
            queue.state = WRITER_WAITS;
            pthread_cond_wait(&queue.wake, &queue.lock);
        }
    }
    queue.state = WRITER_ENDED;
    pthread_cond_signal(&queue.ended);
    pthread_mutex_unlock(&queue.lock);
    return ctx;
}

bool log_writer_start(const char *line_prefix)
{
    sigset_t all, before;

    prefix = line_prefix;
    queue.stopping = false;
    queue.state = WRITER_WAITS;
    /* What it writes must not end the process (SIGXFSZ) or stop it (SIGTTOU). */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    errno = pthread_create(&thread, NULL, run_writer, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return errno == 0;
}

/* Waits for the writer as long as it makes progress. With the lock. */
static bool await_writer(void)
{
    const struct mono deadline = mono_add_ms(clock_mono(), STOP_MAX_MS);
    uint32_t before;

    do {
        const struct timespec end = time_in_ms(STOP_STALLED_MS);
        before = atomic_load(&pieces_written);
        while (queue.state != WRITER_ENDED &&
               pthread_cond_clockwait(&queue.ended, &queue.lock, CLOCK_MONOTONIC, &end) == 0)
            ;
    } while (queue.state != WRITER_ENDED && atomic_load(&pieces_written) != before &&
             mono_before(clock_mono(), deadline));
    return queue.state == WRITER_ENDED;
}

bool log_writer_stop(void)
{
    pthread_mutex_lock(&queue.lock);
    queue.stopping = true;
    pthread_cond_signal(&queue.wake);
    bool ended = await_writer();
    pthread_mutex_unlock(&queue.lock);
    if (ended)
        pthread_join(thread, NULL);
    else
        pthread_detach(thread); /* it ends with the process */
    return ended;
}
