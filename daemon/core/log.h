/* SPDX-License-Identifier: MIT */
/* Log messages, one line each, to stderr.
 *
 * If stderr is connected to the journal, each line begins with its priority (sd-daemon(3)). log_warn()
 * and log_err() append ": " and strerror(errno). Control characters become '?', and lines are cut at
 * 1024 bytes. All functions preserve errno. Any thread.
 *
 * From log_start() on, no message ever blocks: lines are queued, and a thread of their own writes them.
 * Whoever reads stderr may stop (a pipe, a terminal after Ctrl-S, a full disk). The flags of stderr are
 * left alone, since it is shared with other processes. Lines for which there is no room, and lines that
 * cannot be written, are lost: counted in METRIC_LOG_LINES_LOST, and reported in their place as soon as
 * lines can be written again. Lines stay whole and in order. */
#ifndef CORE_LOG_H
#define CORE_LOG_H

/* Detects whether stderr is connected to the journal. Without this call it is taken not to be. Call it
 * before any thread starts. */
void log_init(void);

/* Starts the thread that writes, which receives no signals. Before this, and if it fails (it then says
 * so), messages are written at once, and can block. Before any other thread starts. */
void log_start(void);

/* Gives queued lines a while to be written, as long as they are read, and ends the thread. What is
 * logged afterwards may be lost. After all other threads have ended. No-op without log_start(). */
void log_stop(void);

void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warnx(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_err(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_errx(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
