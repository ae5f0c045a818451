/* SPDX-License-Identifier: MIT */
#include "ops/descriptors.h"

#include "ops/process.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

static uint64_t sockets;
static struct descriptors descriptors;

static uint64_t count_changing(void *ctx)
{
    return *(uint64_t *)ctx;
}

static void setup(void)
{
    sockets = 0;
    descriptors = (struct descriptors){.count_changing = count_changing, .ctx = &sockets};
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
    cr_assert(descriptors_count(&descriptors, &count));
    cr_assert_eq(count, right);
}

Test(descriptors, what_is_opened_and_closed, .init = setup)
{
    int fds[] = {open_one(), -1}; /* one is there already */

    sockets = 1;
    descriptors_begin(&descriptors);
    expect_right();
    fds[1] = open_one();
    sockets++;
    expect_right();
    for (int i = 0; i < 2; i++) {
        close(fds[i]);
        sockets--;
        expect_right();
    }
}

Test(descriptors, not_known_before_they_are_counted, .init = setup)
{
    uint64_t count;

    cr_assert_not(descriptors_count(&descriptors, &count));
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
