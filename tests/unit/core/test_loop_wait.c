/* SPDX-License-Identifier: MIT */
/* For how long the loop sleeps: epoll_wait() is wrapped by the linker, and does not. */
#include "core/loop.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/epoll.h>
#include <unistd.h>

static struct mono now = {INT64_C(1000000000)};
static struct loop *loop;
static int slept_ms;

int __wrap_epoll_wait(int epoll, struct epoll_event *events, int count, int timeout);

int __wrap_epoll_wait(int epoll, struct epoll_event *events, int count, int timeout)
{
    (void)epoll, (void)events, (void)count;
    slept_ms = timeout;
    loop_stop(loop); /* one round will do */
    return 0;
}

static struct mono fake_clock(void)
{
    return now;
}

static void nothing(void *ctx)
{
    (void)ctx;
}

/* With a timer that is due in `ns`. */
static int sleeps_with(int64_t ns)
{
    struct loop_timer timer = {.fire = nothing};

    loop_arm(loop, &timer, mono_add_ns(now, ns));
    cr_assert_eq(loop_run(loop), 0);
    loop_disarm(loop, &timer);
    return slept_ms;
}

/* It would spin if it slept too short, and be late if it slept too long. */
Test(loop_wait, until_the_first_timer_and_less_than_a_millisecond_more)
{
    loop = loop_new(fake_clock);
    cr_assert_eq(sleeps_with(1), 1);
    cr_assert_eq(sleeps_with(999999), 1);
    cr_assert_eq(sleeps_with(1000000), 1);
    cr_assert_eq(sleeps_with(1000001), 2);
    cr_assert_eq(sleeps_with(INT64_C(75000000000)), 75000);
    cr_assert_eq(sleeps_with(0), 0);
    cr_assert_eq(sleeps_with(-1), 0);
    cr_assert_eq(sleeps_with(-1000000), 0);
    cr_assert_eq(sleeps_with(-5000000), 0);
    cr_assert_eq(sleeps_with(INT64_C(1000000) * INT_MAX), INT_MAX);
    cr_assert_eq(sleeps_with(INT64_C(1000000) * INT_MAX + 1), INT_MAX);
    loop_free(loop);
}

Test(loop_wait, for_ever_without_a_timer)
{
    struct loop_timer timer = {.fire = nothing};

    loop = loop_new(fake_clock);
    cr_assert_eq(loop_run(loop), 0);
    cr_assert_eq(slept_ms, -1);
    loop_arm(loop, &timer, now);
    loop_disarm(loop, &timer);
    cr_assert_eq(loop_run(loop), 0);
    cr_assert_eq(slept_ms, -1);
    loop_free(loop);
}

static void arm_it(void *timer)
{
    loop_arm(loop, timer, mono_add_ns(now, INT64_C(5000000)));
}

/* What was left to be done before it ran is not left until something happens. */
Test(loop_wait, not_before_its_chores_are_done)
{
    struct loop_timer timer = {.fire = nothing};
    struct loop_chore chore = {.run = arm_it, .ctx = &timer};

    loop = loop_new(fake_clock);
    loop_later(loop, &chore);
    cr_assert_eq(loop_run(loop), 0);
    cr_assert_eq(slept_ms, 5);
    loop_disarm(loop, &timer);
    loop_free(loop);
}

static int next_descriptor(void)
{
    int fd = open("/dev/null", O_RDONLY);

    cr_assert_geq(fd, 0);
    close(fd);
    return fd;
}

Test(loop_wait, descriptors_come_back)
{
    int before = next_descriptor();

    loop = loop_new(fake_clock);
    cr_assert_not_null(loop);
    cr_assert_gt(next_descriptor(), before);
    loop_free(loop);
    int first = next_descriptor(), second = open("/dev/null", O_RDONLY);
    cr_assert_eq(first, before);
    cr_assert_eq(next_descriptor(), before + 1);
    close(second);
}
