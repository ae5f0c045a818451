/* SPDX-License-Identifier: MIT */
#include "ops/descriptors.h"

#include "../../support/stage.h"
#include "ops/process.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static struct networks *trusted;
static struct connections *connections;
static struct lingering_close *lingering;
static struct descriptors descriptors;
static struct pool_status pool;

static void setup(void)
{
    char error[NETWORKS_ERROR_SIZE];

    stage_open();
    trusted = networks_parse("", error);
    connections = connections_new(
        &(struct connections_options){.loop = stage.loop, .max = 10, .trusted = trusted});
    lingering = lingering_close_new(stage.loop, trusted);
    descriptors = (struct descriptors){.connections = connections, .lingering = lingering};
    pool = (struct pool_status){.connections = 2};
    pool.links[0].state = pool.links[1].state = LINK_DOWN;
}

static void teardown(void)
{
    connections_free(connections);
    lingering_close_free(lingering);
    networks_free(trusted);
    stage_close();
}

static void expect_right(void)
{
    uint64_t count, right;

    cr_assert(process_count_fds("/proc", &right));
    cr_assert(descriptors_count(&descriptors, &pool, &count));
    cr_assert_eq(count, right);
}

Test(descriptors, what_is_opened_and_closed, .init = setup, .fini = teardown)
{
    struct connection connection = {.fd = -1};
    int ends[2], fds[2], i;

    /* One to p0f, and one client, are there already. */
    fds[0] = open("/dev/null", O_RDONLY);
    pool.links[0].state = LINK_READY;
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0); /* one end is in `others` */
    cr_assert(connections_admit(connections, ends[0], NULL));
    descriptors_begin(&descriptors, &pool);
    expect_right();
    connections_enter(connections, &connection, ends[0]);
    expect_right();
    fds[1] = open("/dev/null", O_RDONLY);
    pool.links[1].state = LINK_PROBING;
    expect_right();
    lingering_close_take(lingering, dup(ends[0]));
    expect_right();
    connections_leave(connections, &connection);
    close(ends[0]);
    expect_right();
    for (i = 0; i < 2; i++) {
        close(fds[i]);
        pool.links[i].state = LINK_DOWN;
        expect_right();
    }
    shutdown(ends[1], SHUT_WR);
    for (i = 0; i < 100 && lingering_close_count(lingering) > 0; i++)
        stage_pass(10);
    expect_right();
    close(ends[1]);
}

Test(descriptors, not_known_before_they_are_counted, .init = setup, .fini = teardown)
{
    uint64_t count;

    cr_assert_not(descriptors_count(&descriptors, &pool, &count));
}

Test(descriptors, the_limit_is_raised, .init = setup, .fini = teardown)
{
    struct rlimit limit, raised;

    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = 100;
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    descriptors_raise_limit(500);
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &raised), 0);
    cr_assert_geq(raised.rlim_cur, 500);
    descriptors_raise_limit(10);
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    cr_assert_eq(limit.rlim_cur, raised.rlim_cur);
}
