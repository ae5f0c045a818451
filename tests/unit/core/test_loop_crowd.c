/* SPDX-License-Identifier: MIT */
#include "core/loop_crowd.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#define MEMBERS (3 * LOOP_CROWD_SHARE)

static struct loop *loop;
static struct loop_crowd *crowd;
static struct mono now;
static unsigned served, other_served;
static struct loop_fd *unwatch_next; /* by the next one that is served */

static struct member {
    struct loop_fd watch;
    int write_end;
    unsigned served;
} members[MEMBERS + 1];

static struct mono still_clock(void)
{
    return now;
}

static void on_member(void *ctx, uint32_t events)
{
    struct member *member = ctx;

    cr_assert_eq(events, EPOLLIN);
    member->served++;
    served++;
    if (unwatch_next && unwatch_next != &member->watch) {
        loop_crowd_unwatch(crowd, unwatch_next);
        unwatch_next = NULL;
    }
}

static void on_other(void *ctx, uint32_t events)
{
    (void)ctx;
    (void)events;
    other_served++;
}

static void open_member(struct member *member, void (*ready)(void *ctx, uint32_t events))
{
    int ends[2];

    cr_assert_eq(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    *member = (struct member){.watch = {.fd = ends[0], .ready = ready, .ctx = member},
                              .write_end = ends[1]};
}

static void make_ready(const struct member *member)
{
    cr_assert_eq(write(member->write_end, "x", 1), 1);
}

static void setup(void)
{
    now.ns = 1;
    served = other_served = 0;
    unwatch_next = NULL;
    loop = loop_new(still_clock);
    crowd = loop_crowd_new(loop);
    cr_assert(loop && crowd);
    for (unsigned i = 0; i < MEMBERS; i++) {
        open_member(&members[i], on_member);
        cr_assert_eq(loop_crowd_watch(crowd, &members[i].watch, EPOLLIN), 0);
    }
    open_member(&members[MEMBERS], on_other);
    cr_assert_eq(loop_watch(loop, &members[MEMBERS].watch, EPOLLIN), 0);
}

static void teardown(void)
{
    loop_unwatch(loop, &members[MEMBERS].watch);
    for (unsigned i = 0; i <= MEMBERS; i++) {
        close(members[i].watch.fd);
        close(members[i].write_end);
    }
    loop_crowd_free(crowd);
    loop_free(loop);
}

static void stop(void *ctx)
{
    loop_stop(ctx);
}

static void run_round(void)
{
    struct loop_timer timer = {.fire = stop, .ctx = loop};

    loop_arm(loop, &timer, now);
    cr_assert_eq(loop_run(loop), 0);
}

Test(loop_crowd, a_share_in_each_round, .init = setup, .fini = teardown)
{
    for (unsigned i = 0; i <= MEMBERS; i++)
        make_ready(&members[i]);
    for (unsigned round = 1; round <= 3; round++) {
        run_round();
        cr_assert_eq(served, round * LOOP_CROWD_SHARE);
        cr_assert_eq(other_served, round, "it had to wait");
    }
    for (unsigned i = 0; i < MEMBERS; i++)
        cr_assert_eq(members[i].served, 1, "not in turn");
}

Test(loop_crowd, nobody_is_ready, .init = setup, .fini = teardown)
{
    run_round();
    cr_assert_eq(served, 0);
    make_ready(&members[1]);
    run_round();
    cr_assert_eq(members[1].served, 1);
}

Test(loop_crowd, what_is_not_watched_any_more, .init = setup, .fini = teardown)
{
    make_ready(&members[0]);
    make_ready(&members[1]);
    cr_assert_eq(loop_crowd_rewatch(crowd, &members[0].watch, 0), 0);
    run_round();
    cr_assert_eq(members[0].served, 0);
    cr_assert_eq(members[1].served, 1);
    cr_assert_eq(loop_crowd_rewatch(crowd, &members[0].watch, EPOLLIN), 0);
    unwatch_next = &members[1].watch;
    run_round();
    run_round();
    cr_assert_eq(members[0].served, 2);
    cr_assert_leq(members[1].served, 2);
    unsigned before = members[1].served;
    run_round();
    cr_assert_eq(members[1].served, before);
}

/* Even if its event was received in this round. */
Test(loop_crowd, unwatched_within_the_round, .init = setup, .fini = teardown)
{
    make_ready(&members[0]);
    make_ready(&members[1]);
    unwatch_next = &members[1].watch;
    run_round();
    cr_assert_eq(members[0].served, 1);
    cr_assert_eq(members[1].served, 0);
}

Test(loop_crowd, without_descriptors_there_is_none)
{
    struct rlimit limit, few;
    int next = open("/dev/null", O_RDONLY | O_CLOEXEC);

    loop_crowd_free(NULL);
    loop = loop_new(still_clock);
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    few = limit;
    few.rlim_cur = (rlim_t)next + 3; /* the loop has two */
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
    cr_assert_null(loop_crowd_new(loop));
    cr_assert_eq(errno, EMFILE);
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    close(next);
    loop_free(loop);
}
