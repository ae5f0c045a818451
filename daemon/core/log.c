/* SPDX-License-Identifier: MIT */
#include "core/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#define LINE_SIZE 1024

static bool to_journal;

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

/* One write() per line, so that the lines of several threads do not mix. */
static void put_line(int priority, const char *cause, const char *format, va_list args)
{
    char line[LINE_SIZE];
    int used = to_journal ? snprintf(line, sizeof line, "<%d>", priority)
                          : snprintf(line, sizeof line, "p0f-lookupd: ");
    size_t length = (size_t)used;
    int more = vsnprintf(line + length, sizeof line - length, format, args);

    if (more > 0)
        length += (size_t)more;
    if (cause && length < sizeof line) {
        more = snprintf(line + length, sizeof line - length, ": %s", cause);
        if (more > 0)
            length += (size_t)more;
    }
    if (length > sizeof line - 2)
        length = sizeof line - 2;
    for (size_t i = 0; i < length; i++) /* a client's bytes must not forge a line */
        if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
            line[i] = '?';
    line[length++] = '\n';
    if (write(STDERR_FILENO, line, length) < 0)
        return; /* there is nowhere to report it */
}

#define LOG_AS(priority, cause)                                                                    \
    do {                                                                                           \
        int kept = errno;                                                                          \
        va_list args;                                                                              \
        va_start(args, format);                                                                    \
        put_line(priority, cause, format, args);                                                   \
        va_end(args);                                                                              \
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
