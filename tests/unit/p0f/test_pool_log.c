/* SPDX-License-Identifier: MIT */
#include "p0f/pool_log.h"

#include "../../support/c/stage.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static struct pool_log tale;
static int ends[2], real_stderr;
static char last_told[POOL_FAULT_SIZE]; /* "" for NULL */
static unsigned told;

static void on_told(void *ctx, const char *fault)
{
    cr_assert_eq(ctx, &tale);
    snprintf(last_told, sizeof last_told, "%s", fault ? fault : "");
    told++;
}

static void start(void)
{
    stage_open();
    cr_assert_eq(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
    real_stderr = dup(STDERR_FILENO);
    cr_assert_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    pool_log_start(&tale, stage.loop, "SOCKET", on_told, &tale);
    last_told[0] = '\0';
    told = 0;
}

static void stop(void)
{
    pool_log_stop(&tale);
    dup2(real_stderr, STDERR_FILENO);
    stage_close();
}

/* What was said since the last time must be these lines. */
static void expect(const char *lines)
{
    const char *prefix = "p0f-lookupd: ";
    char text[4096], rest[4096] = "";
    ssize_t got = read(ends[0], text, sizeof text - 1);

    text[got > 0 ? got : 0] = '\0';
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        cr_assert_eq(strncmp(line, prefix, strlen(prefix)), 0, "%s", line);
        strcat(strcat(rest, line + strlen(prefix)), "\n");
    }
    cr_assert_str_eq(rest, lines, "%s", rest);
}

static void lose(void)
{
    pool_log_fault(&tale, POOL_FAULT_LOST, "lost");
}

static void find(void)
{
    pool_log_ready(&tale, P0F_DIALECT_P0F3, true, false);
}

#define FOUND "SOCKET: p0f answers (dialect p0f3)"

Test(pool_log, each_change_once, .init = start, .fini = stop)
{
    pool_log_fault(&tale, POOL_FAULT_UNREACHABLE, "no such file");
    pool_log_fault(&tale, POOL_FAULT_UNREACHABLE, "no such file");
    pool_log_fault(&tale, POOL_FAULT_CONNECTING, "wait and see");
    expect("no such file\n");
    cr_assert_str_eq(last_told, "no such file");
    find();
    pool_log_ready(&tale, P0F_DIALECT_P0F3, false, false);
    expect(FOUND "\n");
    cr_assert_str_eq(last_told, "");
    stage_pass(60000);
    expect("");
    lose();
    lose();
    pool_log_fault(&tale, POOL_FAULT_UNREACHABLE, "no such file");
    lose(); /* another connection */
    expect("lost\nno such file\n");
    find();
    expect(FOUND "\n");
    cr_assert_eq(told, 5);
}

/* Why a reconnect fails is logged when it is another reason. */
Test(pool_log, another_reason, .init = start, .fini = stop)
{
    pool_log_fault(&tale, POOL_FAULT_UNREACHABLE, "refused");
    expect("refused\n");
    pool_log_fault(&tale, POOL_FAULT_UNREACHABLE, "denied");
    pool_log_fault(&tale, POOL_FAULT_UNREACHABLE, "denied");
    stage_pass(9999);
    expect("");
    stage_pass(1);
    expect("denied (1 more time in 10 s)\n");
    for (int i = 0; i < 1000; i++) {
        stage_pass(1000);
        pool_log_fault(&tale, POOL_FAULT_UNREACHABLE, "denied");
    }
    expect("");
    pool_log_fault(&tale, POOL_FAULT_UNREACHABLE, "refused");
    expect("refused\n");
}

/* However often it comes and goes: once, and then how often it was. */
Test(pool_log, flapping, .init = start, .fini = stop)
{
    find();
    expect(FOUND "\n");
    lose();
    expect("lost\n");
    find();
    expect(FOUND "\n");
    for (int i = 0; i < 99; i++) {
        stage_pass(100);
        lose();
        find();
    }
    expect("");
    stage_pass(100);
    expect(FOUND " again, after it was lost 99 more times in 10 s\n");
    stage_pass(60000);
    expect("");
    cr_assert_eq(told, 2);
}

/* Ever more seldom, up to once an hour; and soon again once it was over for as long. */
Test(pool_log, the_intervals_grow, .init = start, .fini = stop)
{
    char line[64];

    pool_log_fault(&tale, POOL_FAULT_FOREIGN, "foreign");
    expect("foreign\n");
    for (unsigned pause = 10, i = 0; i < 12; i++) {
        for (unsigned n = 1; n < pause; n++) {
            stage_pass(1000);
            pool_log_fault(&tale, POOL_FAULT_FOREIGN, "foreign");
        }
        expect("");
        stage_pass(1000);
        snprintf(line, sizeof line, "foreign (%u more times in %u s)\n", pause - 1, pause);
        expect(line);
        pause = pause < 1800 ? 2 * pause : 3600;
    }
    find();
    expect(FOUND "\n");
    stage_pass(2 * 3600 * 1000);
    for (int i = 0; i < 2; i++)
        pool_log_fault(&tale, POOL_FAULT_FOREIGN, "foreign");
    expect("foreign\n");
    stage_pass(10000);
    expect("foreign (1 more time in 10 s)\n");
}

/* After an hour of coming and going, it has gone. */
Test(pool_log, what_lasts_is_logged_soon, .init = start, .fini = stop)
{
    for (int i = 0; i < 3600; i++) {
        stage_pass(1000);
        lose();
        find();
    }
    char lines[65536];
    ssize_t length = read(ends[0], lines, sizeof lines);
    unsigned count = 0;
    for (ssize_t i = 0; i < length; i++)
        count += lines[i] == '\n';
    cr_assert_leq(count, 12, "%u lines in an hour", count);
    stage_pass(1000);
    lose();
    stage_pass(9999);
    expect("");
    stage_pass(1);
    char line[128];
    ssize_t got = read(ends[0], line, sizeof line - 1);
    line[got > 0 ? got : 0] = '\0';
    cr_assert_eq(strncmp(line, "p0f-lookupd: lost (", 19), 0, "%s", line);
    cr_assert_eq(strncmp(last_told, "lost", 4), 0);
}

Test(pool_log, the_last_word_is_true, .init = start, .fini = stop)
{
    lose();
    find();
    expect("lost\n" FOUND "\n");
    stage_pass(1000);
    lose();
    stage_pass(8999);
    expect("");
    stage_pass(1);
    expect("lost (1 more time in 10 s)\n");
    stage_pass(60000);
    expect("");
    find();
    expect(FOUND "\n");
}

Test(pool_log, what_was_left_out_is_counted_where_it_is_told_next, .init = start, .fini = stop)
{
    find();
    expect(FOUND "\n");
    for (int i = 0; i < 5; i++)
        pool_log_dropped(&tale, "dropped");
    expect("dropped\n");
    stage_pass(9999);
    expect("");
    stage_pass(1);
    expect("dropped (4 more times in 10 s)\n");
    stage_pass(20000);
    pool_log_dropped(&tale, "dropped");
    expect("dropped\n");
    cr_assert_eq(told, 0, "p0f answers");
}

/* One connection given up is not all; when they all were, that is over when one answers. */
Test(pool_log, dropped_and_back, .init = start, .fini = stop)
{
    find();
    expect(FOUND "\n");
    pool_log_dropped(&tale, "dropped");
    expect("dropped\n");
    pool_log_ready(&tale, P0F_DIALECT_P0F3, false, false);
    expect("");
    find();
    expect(FOUND "\n");
    find();
    expect("");
}

Test(pool_log, unserved, .init = start, .fini = stop)
{
    find();
    expect(FOUND "\n");
    pool_log_unserved(&tale, "unserved");
    pool_log_unserved(&tale, "unserved");
    expect("unserved\n");
    pool_log_ready(&tale, P0F_DIALECT_P0F3, false, true);
    expect("");
    pool_log_ready(&tale, P0F_DIALECT_P0F3, false, false);
    expect(FOUND "\n");
    pool_log_unserved(&tale, "unserved");
    pool_log_ready(&tale, P0F_DIALECT_P0F3, false, false);
    stage_pass(19999);
    expect(""); /* it is over */
    pool_log_unserved(&tale, "unserved");
    expect("unserved (1 more time in 19 s)\n");
    cr_assert_eq(told, 0);
}

/* All are unanswered; one gets an answer. */
Test(pool_log, unanswered_but_for_one, .init = start, .fini = stop)
{
    pool_log_fault(&tale, POOL_FAULT_UNANSWERED, "unanswered");
    expect("unanswered\n");
    pool_log_ready(&tale, P0F_DIALECT_P0F3, true, true);
    expect(FOUND "\n");
}

Test(pool_log, hung_and_back, .init = start, .fini = stop)
{
    find();
    expect(FOUND "\n");
    pool_log_fault(&tale, POOL_FAULT_HUNG, "hangs");
    pool_log_fault(&tale, POOL_FAULT_HUNG, "still hangs");
    expect("hangs\n");
    cr_assert_str_eq(last_told, "hangs");
    stage_pass(4000);
    pool_log_recovered(&tale, 7999);
    expect(FOUND " again, after 7 s\n");
    cr_assert_str_eq(last_told, "");
    pool_log_fault(&tale, POOL_FAULT_HUNG, "hangs");
    pool_log_recovered(&tale, 3000);
    stage_pass(60000);
    expect("");
}

Test(pool_log, stopped_while_something_is_left_out)
{
    start();
    lose();
    find();
    lose();
    expect("lost\n" FOUND "\n");
    pool_log_stop(&tale);
    stage_pass(20000);
    expect("");
    stop();
}
