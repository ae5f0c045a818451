/* SPDX-License-Identifier: MIT */
#include "core/log.h"

#include "core/log_writer.h"
#include "core/metrics.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#define PREFIX "p0f-lookupd: "
#define LINE_SIZE LOG_WRITER_LINE_SIZE

static bool to_journal;
static bool queueing; /* between log_start() and log_stop() */

/* systemd.exec(5): $JOURNAL_STREAM is the device and inode number of the journal's descriptor; a stderr
 * that has been redirected since has others. */
void log_init(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    unsigned long long device, inode;
    struct stat own;

    to_journal = stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
                 fstat(STDERR_FILENO, &own) == 0 && own.st_dev == device && own.st_ino == inode;
}

void log_start(void)
{
    queueing = log_writer_start(to_journal ? "<4>" : PREFIX);
    if (!queueing)
        log_warn("cannot start the thread that writes the log, so a log that nobody reads will "
                 "hold everything up");
}

void log_stop(void)
{
    queueing = queueing && !log_writer_stop();
}

__attribute__((format(printf, 4, 0))) static size_t
compose(char line[LINE_SIZE], int priority, const char *cause, const char *format, va_list args)
{
    int used = to_journal ? snprintf(line, LINE_SIZE, "<%d>", priority)
                          : snprintf(line, LINE_SIZE, PREFIX);
    size_t length = (size_t)used;
    int more = vsnprintf(line + length, LINE_SIZE - length, format, args);

    if (more > 0)
        length += (size_t)more;
    if (cause && length < LINE_SIZE) {
        more = snprintf(line + length, LINE_SIZE - length, ": %s", cause);
        if (more > 0)
            length += (size_t)more;
    }
    if (length > LINE_SIZE - 2)
        length = LINE_SIZE - 2;
    for (size_t i = 0; i < length; i++) /* a client's bytes must not forge a line */
        if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
            line[i] = '?';
    line[length++] = '\n';
    return length;
}

static void put_line(const char *line, size_t length, bool urgent)
{
    if (queueing)
        log_writer_put(line, length, urgent);
    else if (write(STDERR_FILENO, line, length) < 0)
        metrics_count(METRIC_LOG_LINES_LOST);
}

#define LOG_AS(priority, cause)                                                                    \
    do {                                                                                           \
        int kept = errno;                                                                          \
        char line[LINE_SIZE];                                                                      \
        va_list args;                                                                              \
        va_start(args, format);                                                                    \
        size_t length = compose(line, priority, cause, format, args);                              \
        va_end(args);                                                                              \
        put_line(line, length, (priority) != LOG_INFO);                                            \
        errno = kept;                                                                              \
    } while (0)

void log_info(const char *format, ...)
{
    LOG_AS(LOG_INFO, NULL);
}

void log_warn(const char *format, ...)
{
    LOG_AS(LOG_WARNING, strerror(kept));
}

void log_warnx(const char *format, ...)
{
    LOG_AS(LOG_WARNING, NULL);
}

void log_err(const char *format, ...)
{
    LOG_AS(LOG_ERR, strerror(kept));
}

void log_errx(const char *format, ...)
{
    LOG_AS(LOG_ERR, NULL);
}
