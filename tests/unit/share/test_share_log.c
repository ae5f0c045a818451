/* SPDX-License-Identifier: MIT */
#include "share/share_log.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct share_log tale;
static struct mono now;
static int ends[2], real_stderr;

static struct mono read_clock(void)
{
    return now;
}

static void on_pass(void *loop)
{
    loop_stop(loop);
}

static void pass(int64_t ms)
{
    struct loop_timer timer = {.fire = on_pass, .ctx = tale.loop};

    now = mono_add_ms(now, ms);
    loop_arm(tale.loop, &timer, now);
    cr_assert_eq(loop_run(tale.loop), 0);
}

static void start(void)
{
    now = (struct mono){INT64_C(1000000000000)};
    tale = (struct share_log){.loop = loop_new(read_clock)};
    cr_assert_not_null(tale.loop);
    cr_assert_eq(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
    real_stderr = dup(STDERR_FILENO);
    cr_assert_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
}

static void stop(void)
{
    dup2(real_stderr, STDERR_FILENO);
    close(real_stderr);
    close(ends[0]);
    close(ends[1]);
    loop_free(tale.loop);
}

/* What was logged since the last time must begin and end like this; NULL: nothing was. */
static void expect(const char *head, const char *tail)
{
    char text[4096];
    ssize_t got = read(ends[0], text, sizeof text - 1);

    text[got > 0 ? got : 0] = '\0';
    if (!head) {
        cr_assert_str_empty(text);
        return;
    }
    cr_assert_eq(strncmp(text, "p0f-lookupd: shared tier: ", 26), 0, "%s", text);
    cr_assert_eq(strncmp(text + 26, head, strlen(head)), 0, "%s", text);
    cr_assert_eq(strchr(text, '\n'), text + got - 1, "one line: %s", text);
    text[got - 1] = '\0';
    cr_assert_geq(strlen(text), strlen(tail));
    cr_assert_str_eq(text + strlen(text) - strlen(tail), tail, "%s", text);
}

Test(share_log, each_trouble, .init = start, .fini = stop)
{
    for (unsigned trouble = 0; trouble < SHARE_TROUBLES; trouble++) {
        share_log_trouble(&tale, trouble, "redis:6379", "DETAIL");
        expect("redis:6379", "");
    }
    share_log_trouble(&tale, SHARE_TROUBLE_FULL, "redis:6379", "DETAIL");
    expect(NULL, NULL);
}

Test(share_log, at_growing_intervals_with_a_count, .init = start, .fini = stop)
{
    const char *end = "maxmemory-policy to volatile-lru";

    share_log_trouble(&tale, SHARE_TROUBLE_FULL, "A", "");
    expect("A is out of memory", end);
    for (int i = 0; i < 3; i++) {
        pass(19000);
        share_log_trouble(&tale, SHARE_TROUBLE_FULL, "B", "");
        expect(NULL, NULL);
    }
    pass(3000);
    share_log_trouble(&tale, SHARE_TROUBLE_FULL, "B", "");
    expect("B is out of memory", "volatile-lru (3 more times in 60 s)");
    pass(119000);
    share_log_trouble(&tale, SHARE_TROUBLE_FULL, "A", "");
    expect(NULL, NULL);
    pass(1000);
    share_log_trouble(&tale, SHARE_TROUBLE_FULL, "A", "");
    expect("A is out of memory", "volatile-lru (1 more time in 120 s)");
}

Test(share_log, once_an_hour_at_last, .init = start, .fini = stop)
{
    unsigned told = 0;
    char text[8192];

    for (int minute = 0; minute < 24 * 60; minute++) {
        share_log_trouble(&tale, SHARE_TROUBLE_REFUSED, "A", "MISCONF");
        pass(60000);
        told += read(ends[0], text, sizeof text) > 0;
    }
    cr_assert_geq(told, 24);
    cr_assert_leq(told, 30);
}

Test(share_log, at_once_when_it_was_quiet, .init = start, .fini = stop)
{
    for (int i = 0; i < 5; i++) {
        share_log_trouble(&tale, SHARE_TROUBLE_READ_ONLY, "A", "");
        expect("A is a read-only replica", "set share.server to its master");
        pass(2 * SHARE_LOG_PAUSE_MS);
    }
}

Test(share_log, long_details_are_cut, .init = start, .fini = stop)
{
    char detail[1000];

    memset(detail, 'x', sizeof detail - 1);
    detail[sizeof detail - 1] = '\0';
    share_log_trouble(&tale, SHARE_TROUBLE_REFUSED, "A", detail);
    detail[200] = '\0';
    expect("A refused to store a host: ", detail);
}
