/* SPDX-License-Identifier: MIT */
/* Log messages, one line each, to stderr.
 *
 * If stderr is connected to the journal, each line begins with its priority (sd-daemon(3)). log_warn()
 * and log_err() append ": " and strerror(errno). Control characters become '?', and lines are cut at
 * 1024 bytes. All functions preserve errno. Any thread. */
#ifndef CORE_LOG_H
#define CORE_LOG_H

/* Detects whether stderr is connected to the journal. Without this call it is taken not to be. Call it
 * before any thread starts. */
void log_init(void);

void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warnx(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_err(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_errx(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
