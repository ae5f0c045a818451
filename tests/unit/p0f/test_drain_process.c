/* SPDX-License-Identifier: MIT */
/* The child; what it does to several connections is in test_pool_give_up.c. */
#include "p0f/drain_process.h"

#include "../../support/c/stand_in.h"

#include <criterion/criterion.h>
#include <linux/sockios.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

static struct stand_in p0f;
static struct p0f_conn *given_away[2]; /* never freed */
static pid_t child;

/* With both probes outstanding. The child must not hold the pipe, whose other end is returned. */
static int start_child(struct p0f_conn **conn)
{
    int ends[2];

    cr_assert(stand_in_start(&p0f));
    cr_assert_eq(p0f_conn_open(p0f.socket.path, P0F_DIALECT_AUTO, 1, conn), P0F_OK);
    cr_assert_eq(p0f_conn_flush(*conn), P0F_OK);
    cr_assert(stand_in_accept(&p0f));
    cr_assert(stand_in_skip(&p0f, 2));
    p0f_conn_cancel(*conn);
    cr_assert_eq(pipe(ends), 0);
    child = drain_process_start(conn, 1);
    cr_assert_gt(child, 0);
    close(ends[1]);
    return ends[0];
}

static void wait_until_read(void)
{
    int unread;

    do
        cr_assert_eq(ioctl(p0f.peer, SIOCOUTQ, &unread), 0);
    while (unread > 0);
}

static void expect_end(void)
{
    int status;

    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    stand_in_stop(&p0f);
}

static void expect_name(void)
{
    char path[64], name[32] = "";

    snprintf(path, sizeof path, "/proc/%d/comm", (int)child);
    FILE *file = fopen(path, "r");
    cr_assert_not_null(file);
    cr_assert_not_null(fgets(name, sizeof name, file));
    fclose(file);
    cr_assert_str_eq(name, DRAIN_PROCESS_NAME "\n");
}

/* Of any size, as the dialect is not known. Signals do not end it. */
Test(drain_process, receives_what_is_outstanding, .timeout = 60)
{
    uint8_t bytes[P0F_ANSWER_MAX];
    int pipe_end = start_child(&given_away[0]), status;
    char byte;

    cr_assert_eq(read(pipe_end, &byte, 1), 0, "it holds a pipe that is not its own");
    close(pipe_end);
    expect_name();
    kill(child, SIGTERM);
    kill(child, SIGHUP);
    size_t size = stand_in_pack(bytes, P0F_DIALECT_SIG, P0F_STATUS_NOMATCH, 0);
    cr_assert(stand_in_write(&p0f, bytes, size));
    wait_until_read();
    cr_assert(stand_in_write(&p0f, bytes, size - 1));
    wait_until_read();
    cr_assert(stand_in_sees_open(&p0f));
    cr_assert_eq(waitpid(child, &status, WNOHANG), 0);
    cr_assert(stand_in_write(&p0f, bytes + size - 1, 1));
    expect_end();
}

Test(drain_process, ends_with_p0f, .timeout = 60)
{
    close(start_child(&given_away[1]));
    stand_in_hang_up(&p0f);
    expect_end();
}
