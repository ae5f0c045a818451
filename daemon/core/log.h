/* SPDX-License-Identifier: MIT */
/* Messages for whoever runs the daemon, one line each, on stderr.
 *
 * When stderr is the journal's, each line begins with its priority (sd-daemon(3)). Every function
 * keeps errno and may be called from any thread. The forms without x add ": " and strerror(errno). */
#ifndef CORE_LOG_H
#define CORE_LOG_H

/* Looks once whether stderr is the journal's. Until then lines have no priority. */
void log_init(void);

void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warnx(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_err(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_errx(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
