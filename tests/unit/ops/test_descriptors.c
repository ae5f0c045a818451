/* SPDX-License-Identifier: MIT */
#include "ops/descriptors.h"

#include "ops/process.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

static uint64_t clients;
static struct descriptors descriptors;
static struct pool_status pool;

static uint64_t count_clients(void *ctx)
{
    return *(uint64_t *)ctx;
}

static void setup(void)
{
    clients = 0;
    descriptors = (struct descriptors){.count_clients = count_clients, .ctx = &clients};
    pool = (struct pool_status){.connections = 2};
    pool.links[0].state = pool.links[1].state = LINK_DOWN;
}

static int open_one(void)
{
    int fd = open("/dev/null", O_RDONLY);

    cr_assert_geq(fd, 0);
    return fd;
}

static void expect_right(void)
{
    uint64_t count, right;

    cr_assert(process_count_fds("/proc", &right));
    cr_assert(descriptors_count(&descriptors, &pool, &count));
    cr_assert_eq(count, right);
}

Test(descriptors, what_is_opened_and_closed, .init = setup)
{
    /* One to p0f and one client are there already. */
    int to_p0f[] = {open_one(), -1}, to_clients[] = {open_one(), -1};

    pool.links[0].state = LINK_READY;
    clients = 1;
    descriptors_begin(&descriptors, &pool);
    expect_right();
    to_p0f[1] = open_one();
    pool.links[1].state = LINK_PROBING;
    expect_right();
    to_clients[1] = open_one();
    clients++;
    expect_right();
    for (int i = 0; i < 2; i++) {
        close(to_p0f[i]);
        pool.links[i].state = LINK_DOWN;
        expect_right();
        close(to_clients[i]);
        clients--;
        expect_right();
    }
}

Test(descriptors, not_known_before_they_are_counted, .init = setup)
{
    uint64_t count;

    cr_assert_not(descriptors_count(&descriptors, &pool, &count));
}

Test(descriptors, the_limit_is_raised, .init = setup)
{
    struct rlimit limit, raised;

    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = 100;
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    descriptors_raise_limit(500, 0, 0);
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &raised), 0);
    cr_assert_geq(raised.rlim_cur, 500);
    descriptors_raise_limit(10, 0, 0);
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    cr_assert_eq(limit.rlim_cur, raised.rlim_cur);
    descriptors_raise_limit(500, 400, 600);
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    cr_assert_eq(limit.rlim_cur, raised.rlim_cur + 1000);
}
