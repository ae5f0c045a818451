/* SPDX-License-Identifier: MIT */
#include "p0f/pool_log.h"

#include "../../support/c/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

static struct pool_log tale;
static int ends[2], real_stderr;

static void start(void)
{
    stage_open();
    cr_assert_eq(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
    real_stderr = dup(STDERR_FILENO);
    cr_assert_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    pool_log_start(&tale, stage.loop, "SOCKET", P0F_DIALECT_MTU);
}

static void stop(void)
{
    pool_log_stop(&tale);
    dup2(real_stderr, STDERR_FILENO);
    stage_close();
}

/* What was said since the last time, without what all messages begin with, must be these lines. */
static void expect(const char *lines)
{
    const char *prefix = "p0f-lookupd: SOCKET: ";
    char text[4096], rest[4096] = "";
    ssize_t got = read(ends[0], text, sizeof text - 1);

    text[got > 0 ? got : 0] = '\0';
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        cr_assert_eq(strncmp(line, prefix, strlen(prefix)), 0, "%s", line);
        strcat(strcat(rest, line + strlen(prefix)), "\n");
    }
    cr_assert_str_eq(rest, lines);
}

static void lose(void)
{
    pool_log_down(&tale, &(struct link_fault){.error = P0F_DISCONNECTED});
}

static void find(void)
{
    pool_log_ready(&tale, P0F_DIALECT_P0F3, true, false);
}

#define LOST "connection to p0f lost: p0f closed the connection; reconnecting"
#define FOUND "p0f answers (dialect p0f3)"
#define SILENT                                                                                     \
    "p0f accepts connections but does not answer: its connection limit (-S) is reached, or it is " \
    "stopped"

Test(pool_log, each_change_once, .init = start, .fini = stop)
{
    pool_log_down(&tale, &(struct link_fault){.error = P0F_UNREACHABLE, .cause = ENOENT});
    lose();
    expect("cannot connect to p0f (is it running with -s SOCKET?); retrying: "
           "No such file or directory\n");
    find();
    pool_log_ready(&tale, P0F_DIALECT_P0F3, false, false);
    expect(FOUND "\n");
    stage_pass(60000);
    expect("");
    lose();
    expect(LOST "\n");
    find();
    expect(FOUND "\n");
}

/* However often it comes and goes: once, and then how often it was. */
Test(pool_log, flapping, .init = start, .fini = stop)
{
    find();
    expect(FOUND "\n");
    lose();
    expect(LOST "\n");
    find();
    expect(FOUND "\n");
    for (int i = 0; i < 99; i++) {
        stage_pass(100);
        lose();
        find();
    }
    expect("");
    stage_pass(100);
    expect(FOUND " again, after it was lost 99 more times\n");
    stage_pass(60000);
    expect("");
}

Test(pool_log, the_last_word_is_true, .init = start, .fini = stop)
{
    lose();
    find();
    expect(LOST "\n" FOUND "\n");
    stage_pass(1000);
    lose();
    stage_pass(8999);
    expect("");
    stage_pass(1);
    expect(LOST " (1 similar messages suppressed)\n");
    stage_pass(60000);
    expect("");
    find();
    expect(FOUND "\n");
}

Test(pool_log, what_was_left_out_is_counted_where_it_is_told_next, .init = start, .fini = stop)
{
    const struct link_fault nonsense = {.error = P0F_MALFORMED};

    find();
    expect(FOUND "\n");
    for (int i = 0; i < 5; i++)
        pool_log_broken(&tale, &nonsense);
    expect("p0f returned a malformed response; dropping the connection\n");
    stage_pass(9999);
    expect("");
    stage_pass(1);
    expect("p0f returned a malformed response; dropping the connection (4 similar messages "
           "suppressed)\n");
    stage_pass(10000);
    pool_log_broken(&tale, &nonsense);
    expect("p0f returned a malformed response; dropping the connection\n");
}

/* One connection given up is not all; when they all were, that is over when one answers. */
Test(pool_log, broken_and_back, .init = start, .fini = stop)
{
    find();
    expect(FOUND "\n");
    pool_log_broken(&tale, &(struct link_fault){.error = P0F_MALFORMED});
    expect("p0f returned a malformed response; dropping the connection\n");
    pool_log_ready(&tale, P0F_DIALECT_P0F3, false, false);
    expect("");
    find();
    expect(FOUND "\n");
    find();
    expect("");
}

Test(pool_log, what_is_no_news, .init = start, .fini = stop)
{
    find();
    expect(FOUND "\n");
    pool_log_broken(&tale, &(struct link_fault){.error = P0F_DISCONNECTED});
    expect("");
    pool_log_broken(&tale,
                    &(struct link_fault){.error = P0F_WRONG_DIALECT, .dialect = P0F_DIALECT_P0F3});
    expect("p0f.dialect is mtu, but p0f's answers have 232 bytes (p0f3), not 234\n");
}

Test(pool_log, silent, .init = start, .fini = stop)
{
    find();
    expect(FOUND "\n");
    pool_log_silent(&tale);
    pool_log_silent(&tale);
    expect(SILENT "\n");
    pool_log_ready(&tale, P0F_DIALECT_P0F3, false, true);
    expect("");
    pool_log_ready(&tale, P0F_DIALECT_P0F3, false, false);
    expect(FOUND "\n");
    pool_log_silent(&tale);
    pool_log_ready(&tale, P0F_DIALECT_P0F3, false, false);
    stage_pass(20000);
    expect(""); /* it is over */
    pool_log_silent(&tale);
    expect(SILENT " (1 similar messages suppressed)\n");
}

/* All are silent; one gets an answer. */
Test(pool_log, silent_but_for_one, .init = start, .fini = stop)
{
    pool_log_silent(&tale);
    expect(SILENT "\n");
    pool_log_ready(&tale, P0F_DIALECT_P0F3, true, true);
    expect(FOUND "\n");
}

Test(pool_log, stopped_while_something_is_left_out)
{
    start();
    lose();
    find();
    lose();
    expect(LOST "\n" FOUND "\n");
    pool_log_stop(&tale);
    stage_pass(20000);
    expect("");
    stop();
}
