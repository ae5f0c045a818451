/* SPDX-License-Identifier: MIT */
#include "share/node_log.h"

#include "../../support/c/stage.h"

#include <fcntl.h>
#include <unistd.h>

static struct node_log tale;
static int ends[2], real_stderr;
static char text[8192];

static void setup(void)
{
    stage_open();
    cr_assert_eq(pipe2(ends, O_NONBLOCK), 0);
    real_stderr = dup(STDERR_FILENO);
    dup2(ends[1], STDERR_FILENO);
    node_log_start(&tale, stage.loop, "SERVER");
}

/* What was logged since it was asked last. */
static const char *logged(void)
{
    ssize_t length = read(ends[0], text, sizeof text - 1);

    text[length > 0 ? length : 0] = '\0';
    return text;
}

static void teardown(void)
{
    node_log_stop(&tale);
    dup2(real_stderr, STDERR_FILENO);
    close(real_stderr);
    close(ends[0]);
    close(ends[1]);
    stage_close();
}

static void pass(int64_t ms)
{
    stage.now = mono_add_ms(stage.now, ms);
    stage_round();
}

#define LINE(text) "p0f-lookupd: shared tier: SERVER" text "\n"

Test(node_log, changes_are_logged_at_once)
{
    setup();
    node_log_event(&tale, NULL);
    cr_assert_str_eq(logged(), LINE(" answers"));
    node_log_event(&tale, "lost");
    cr_assert_str_eq(logged(), LINE(": lost"));
    pass(100);
    node_log_event(&tale, NULL);
    cr_assert_str_eq(logged(), LINE(" answers"));
    pass(3600000);
    cr_assert_str_empty(logged());
    teardown();
}

Test(node_log, a_fault_that_stays_is_logged_ever_less_often)
{
    unsigned lines = 0;

    setup();
    node_log_event(&tale, "refused");
    cr_assert_str_eq(logged(), LINE(": refused"));
    for (int s = 0; s < 9; s++) {
        pass(1000);
        node_log_event(&tale, "refused");
    }
    cr_assert_str_empty(logged());
    pass(1000);
    cr_assert_str_eq(logged(), LINE(": refused (9 more times in 10 s)"));
    for (int s = 0; s < 86400; s++) {
        pass(1000);
        node_log_event(&tale, "refused");
        lines += logged()[0] != '\0';
    }
    cr_assert_geq(lines, 24);
    cr_assert_leq(lines, 34);
    node_log_event(&tale, NULL);
    cr_assert_not_null(strstr(logged(), "SERVER answers (failed "), "at once");
    teardown();
}

Test(node_log, coming_and_going_does_not_fill_it)
{
    unsigned lines = 0;

    setup();
    for (int s = 0; s < 3600; s++) {
        node_log_event(&tale, "lost");
        pass(500);
        node_log_event(&tale, NULL);
        pass(500);
        for (const char *at = logged(); (at = strchr(at, '\n')); at++)
            lines++;
    }
    cr_assert_leq(lines, 20);
    teardown();
}

/* Whatever was suppressed: the last message is true soon. */
Test(node_log, a_state_that_lasts_is_logged)
{
    setup();
    for (int s = 0; s < 3600; s++) {
        node_log_event(&tale, "lost");
        pass(500);
        node_log_event(&tale, s % 2 ? "refused" : NULL);
        pass(500);
    }
    node_log_event(&tale, "denied");
    logged();
    pass(10000);
    cr_assert_not_null(strstr(logged(), "SERVER: denied"));
    node_log_event(&tale, NULL);
    pass(10000);
    cr_assert_not_null(strstr(logged(), "SERVER answers"));
    teardown();
}
