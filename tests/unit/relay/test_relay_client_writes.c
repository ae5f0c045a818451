/* SPDX-License-Identifier: MIT */
/* A socket that takes little at a time, or fails, which depends on the kernel otherwise: send() is
 * wrapped. */
#include "relay_fixture.h"

static size_t takes; /* 0: all */
static int fails;    /* with this error */

ssize_t __real_send(int fd, const void *bytes, size_t length, int flags);
ssize_t __wrap_send(int fd, const void *bytes, size_t length, int flags);

ssize_t __wrap_send(int fd, const void *bytes, size_t length, int flags)
{
    if (length % RELAY_ANSWER_SIZE != 0 && takes == 0)
        return __real_send(fd, bytes, length, flags);
    errno = fails;
    if (fails)
        return -1;
    return __real_send(fd, bytes, takes > 0 && length > takes ? takes : length, flags);
}

static void setup_writes(void)
{
    takes = 0;
    fails = 0;
    setup();
    for (uint8_t host = 1; host <= 5; host++) {
        int client = connect_client();
        ask_addr(client, &(struct p0f_addr){4, {10, 0, 0, host}});
        stage_settle();
        cr_assert_eq(expect_answer(client, P0F_STATUS_OK).host.total_conn, host);
        close(client);
    }
    stage_settle();
}

static void ask_five(int client)
{
    for (uint8_t host = 1; host <= 5; host++)
        ask_addr(client, &(struct p0f_addr){4, {10, 0, 0, host}});
}

Test(relay_client_writes, little_by_little, .init = setup_writes, .fini = teardown)
{
    int client = connect_client();

    takes = 100;
    ask_five(client);
    for (int i = 0; i < 3; i++)
        stage_settle();
    for (uint32_t host = 1; host <= 5; host++)
        cr_assert_eq(expect_answer(client, P0F_STATUS_OK).host.total_conn, host);
    expect_nothing(client);
    ask_five(client); /* it is read again */
    for (int i = 0; i < 3; i++)
        stage_settle();
    expect_answer(client, P0F_STATUS_OK);
    close(client);
    stage_settle();
}

static void expect_given_up(int error)
{
    int client = connect_client();

    ask_five(client);
    fails = error;
    stage_settle();
    cr_assert_eq(relay_counts(relay).connections, 0);
    fails = 0;
    expect_closed(client);
}

Test(relay_client_writes, who_cannot_be_written_to, .init = setup_writes, .fini = teardown)
{
    expect_given_up(EPIPE);
    expect_given_up(ECONNRESET);
}

Test(relay_client_writes, what_passes, .init = setup_writes, .fini = teardown)
{
    const int errors[] = {EAGAIN, EINTR};

    for (size_t i = 0; i < 2; i++) {
        int client = connect_client();
        ask_five(client);
        fails = errors[i];
        stage_settle();
        expect_nothing(client);
        fails = 0;
        stage_settle();
        for (uint32_t host = 1; host <= 5; host++)
            cr_assert_eq(expect_answer(client, P0F_STATUS_OK).host.total_conn, host);
        close(client);
        stage_settle();
    }
}

Test(relay_client_writes, who_cannot_be_written_to_later, .init = setup_writes, .fini = teardown)
{
    int client = connect_client();

    fails = EAGAIN;
    ask_five(client);
    stage_settle();
    cr_assert_eq(relay_counts(relay).connections, 1);
    fails = EPIPE;
    stage_settle();
    cr_assert_eq(relay_counts(relay).connections, 0);
    close(client);
}
