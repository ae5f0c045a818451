/* SPDX-License-Identifier: MIT */
#include "core/log_writer.h"

#include "core/log.h"
#include "core/metrics.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define THREADS 4
#define LINES 40000 /* some 1.3 MB: more than the queue and a pipe can hold */

static int end, real_stderr;
static uint64_t lost_before; /* this test: some have one process for all */

static uint64_t count_of_lost(void)
{
    struct metrics_snapshot snapshot;

    metrics_read(&snapshot);
    return snapshot.counters[METRIC_LOG_LINES_LOST];
}

static uint64_t lost(void)
{
    return count_of_lost() - lost_before;
}

/* The log goes to this descriptor, which is closed. */
static void redirect(int fd)
{
    lost_before = count_of_lost();
    real_stderr = dup(STDERR_FILENO);
    cr_assert_eq(dup2(fd, STDERR_FILENO), STDERR_FILENO);
    close(fd);
}

static void redirect_to_pipe(void)
{
    int ends[2];

    cr_assert_eq(pipe(ends), 0);
    end = ends[0];
    redirect(ends[1]);
}

static void restore(void)
{
    dup2(real_stderr, STDERR_FILENO);
    close(real_stderr);
}

/* A short one may fit where a long one does not. */
static const char *length_of(unsigned number)
{
    return number % 2 ? " is as long as most of those in an access log" : "";
}

/* Asserts that `text` is lines of LINES numbered ones, in order, with the right number where some are
 * missing. Returns how many are. */
static unsigned check_numbers(FILE *text)
{
    char line[LOG_WRITER_LINE_SIZE], expected[128];
    unsigned next = 0, missing = 0, gap;

    while (fgets(line, sizeof line, text)) {
        if (sscanf(line, "p0f-lookupd: %u log line", &gap) == 1) {
            cr_assert(strstr(line, " lost: "), "%s", line);
            next += gap;
            missing += gap;
        } else {
            snprintf(expected, sizeof expected, "p0f-lookupd: line %06u%s\n", next,
                     length_of(next));
            next++;
            cr_assert_str_eq(line, expected);
        }
    }
    cr_assert_eq(next, LINES);
    return missing;
}

static void log_numbers(void)
{
    for (unsigned i = 0; i < LINES; i++)
        log_info("line %06u%s", i, length_of(i));
}

static void *stop(void *ctx)
{
    log_stop();
    restore(); /* the pipe ends */
    return ctx;
}

/* Its writer ends later. Where all tests have one process, the first one in the file is run last. */
Test(log_writer, the_end_does_not_wait_for_ever)
{
    redirect_to_pipe();
    log_start();
    log_numbers();
    log_stop();
    restore();
    close(end);
}

Test(log_writer, a_pipe_that_nobody_reads_blocks_nobody)
{
    pthread_t stopping;

    redirect_to_pipe();
    log_start();
    log_numbers();
    cr_assert_gt(lost(), 0);
    cr_assert_not(fcntl(STDERR_FILENO, F_GETFL) & O_NONBLOCK);
    cr_assert_eq(pthread_create(&stopping, NULL, stop, NULL), 0);
    cr_assert_eq(check_numbers(fdopen(end, "r")), lost()); /* now somebody does */
    pthread_join(stopping, NULL);
}

Test(log_writer, the_end_waits_for_what_is_queued)
{
    char line[64] = "";

    redirect_to_pipe();
    log_start();
    log_info("the last word");
    log_stop();
    restore();
    cr_assert_eq(read(end, line, sizeof line - 1), 27);
    cr_assert_str_eq(line, "p0f-lookupd: the last word\n");
}

Test(log_writer, an_isolated_line_is_written_at_once, .timeout = 10)
{
    struct pollfd more = {.events = POLLIN};
    char line[64] = "";

    redirect_to_pipe();
    more.fd = end;
    log_start();
    for (unsigned i = 0; i < 3; i++) {
        log_warnx("line %u", i);
        cr_assert_eq(read(end, line, sizeof line), 20);
        cr_assert_eq(poll(&more, 1, 50), 0); /* it does not rest any more, most likely */
    }
    log_stop();
    restore();
}

Test(log_writer, it_waits_where_another_process_has_made_stderr_non_blocking)
{
    pthread_t stopping;

    redirect_to_pipe();
    fcntl(STDERR_FILENO, F_SETFL, O_NONBLOCK);
    log_start();
    log_numbers();
    cr_assert_eq(pthread_create(&stopping, NULL, stop, NULL), 0);
    cr_assert_eq(check_numbers(fdopen(end, "r")), lost());
    pthread_join(stopping, NULL);
}

static void *log_letters(void *ctx)
{
    const char *letter = ctx;

    for (unsigned i = 0; i < 1000; i++)
        log_info("%s%s%s%s%s%s", letter, letter, letter, letter, letter, letter);
    return NULL;
}

Test(log_writer, lines_of_several_threads_stay_whole)
{
    static char letters[THREADS][2] = {"a", "b", "c", "d"};
    pthread_t threads[THREADS], stopping;
    char line[64];
    unsigned count = 0;

    redirect_to_pipe();
    log_start();
    for (unsigned i = 0; i < THREADS; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, log_letters, letters[i]), 0);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    cr_assert_eq(pthread_create(&stopping, NULL, stop, NULL), 0);
    FILE *text = fdopen(end, "r");
    for (; fgets(line, sizeof line, text); count++) {
        cr_assert_eq(strlen(line), 20);
        cr_assert_eq(strspn(line + 13, (char[]){line[13], '\0'}), 6, "%s", line);
    }
    cr_assert_eq(count, THREADS * 1000);
    cr_assert_eq(lost(), 0);
    pthread_join(stopping, NULL);
}

static void *write_like_another_process(void *ctx)
{
    int fd = *(int *)ctx;

    for (unsigned i = 0; i < 1000; i++)
        cr_assert_eq(write(fd, "other\n", 6), 6);
    close(fd);
    return NULL;
}

Test(log_writer, lines_of_other_processes_do_not_get_into_ours)
{
    pthread_t other, stopping;
    char line[LOG_WRITER_LINE_SIZE];
    unsigned count = 0;

    redirect_to_pipe();
    int shared = dup(STDERR_FILENO);
    log_start();
    log_numbers();
    cr_assert_eq(pthread_create(&other, NULL, write_like_another_process, &shared), 0);
    cr_assert_eq(pthread_create(&stopping, NULL, stop, NULL), 0);
    FILE *text = fdopen(end, "r");
    while (fgets(line, sizeof line, text)) {
        count += strcmp(line, "other\n") == 0;
        cr_assert(strcmp(line, "other\n") == 0 || strncmp(line, "p0f-lookupd: ", 13) == 0, "%s",
                  line);
        cr_assert_null(strstr(line + 1, "other"), "%s", line);
    }
    cr_assert_eq(count, 1000);
    pthread_join(stopping, NULL);
    pthread_join(other, NULL);
}

Test(log_writer, what_cannot_be_written_is_counted)
{
    redirect(open("/dev/full", O_WRONLY));
    log_start();
    log_info("one");
    log_info("two");
    log_stop();
    restore();
    cr_assert_eq(lost(), 2);
}

/* As on a disk that is full for a while. SIGXFSZ would end the process. */
Test(log_writer, a_torn_line_is_completed)
{
    char path[] = "/tmp/test_log_writer-XXXXXX";
    int file = mkstemp(path);
    struct rlimit limit = {.rlim_cur = 100, .rlim_max = RLIM_INFINITY};
    char text[512] = "";

    cr_assert_geq(file, 0);
    redirect(dup(file));
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    log_start();
    for (unsigned i = 0; i < 5; i++)
        log_info("a line of some length %u", i);
    while (lost() < 2) /* three lines have 111 bytes */
        sched_yield();
    limit.rlim_cur = RLIM_INFINITY;
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    log_info("there is room");
    log_stop();
    restore();
    cr_assert_gt(pread(file, text, sizeof text - 1, 0), 0);
    cr_assert_str_eq(text, "p0f-lookupd: a line of some length 0\n"
                           "p0f-lookupd: a line of some length 1\n"
                           "p0f-lookupd: a line of some length 2\n"
                           "p0f-lookupd: 2 log lines lost: File too large\n"
                           "p0f-lookupd: there is room\n");
    close(file);
    unlink(path);
}
