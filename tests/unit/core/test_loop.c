/* SPDX-License-Identifier: MIT */
#include "core/loop.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

static struct mono now;
static struct loop *loop;
static char log_of[32]; /* one letter for each thing that happened */

static struct mono fake_clock(void)
{
    return now;
}

static void setup(void)
{
    now.ns = 1000000000;
    log_of[0] = '\0';
    loop = loop_new(fake_clock);
    cr_assert_not_null(loop);
}

static void stop(void *ctx)
{
    (void)ctx;
    loop_stop(loop);
}

static void note(void *letter)
{
    strcat(log_of, letter);
}

static void round_after(int64_t ms)
{
    struct loop_timer last = {.fire = stop};

    now = mono_add_ms(now, ms);
    loop_arm(loop, &last, now);
    cr_assert_eq(loop_run(loop), 0);
}

static void arm(struct loop_timer *timer, int64_t ms)
{
    loop_arm(loop, timer, mono_add_ms(now, ms));
}

/* Which descriptor the next one will be. */
static int next_descriptor(void)
{
    int fd = open("/dev/null", O_RDONLY);

    cr_assert_geq(fd, 0);
    close(fd);
    return fd;
}

Test(loop, without_descriptors_there_is_none)
{
    struct rlimit limit;

    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    for (rlim_t more = 0; more < 2; more++) { /* it needs two */
        limit.rlim_cur = (rlim_t)next_descriptor() + more;
        cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
        cr_assert_null(loop_new(fake_clock));
        cr_assert_eq(errno, EMFILE);
        limit.rlim_cur = limit.rlim_max;
        cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    }
}

Test(loop, ends_when_it_cannot_wait)
{
    int fd = next_descriptor();

    setup();
    close(fd);
    cr_assert_eq(loop_run(loop), -1);
    cr_assert_eq(errno, EBADF);
    cr_assert_eq(open("/dev/null", O_RDONLY), fd); /* for loop_free to close */
    loop_free(loop);
}

Test(loop, timers_fire_in_order)
{
    struct loop_timer a = {.fire = note, .ctx = "a"}, b = {.fire = note, .ctx = "b"};
    struct loop_timer c = {.fire = note, .ctx = "c"};

    setup();
    arm(&c, 30);
    arm(&a, 10);
    arm(&b, 20);
    round_after(9);
    cr_assert_str_empty(log_of);
    round_after(1);
    cr_assert_str_eq(log_of, "a");
    cr_assert_not(loop_armed(&a));
    cr_assert(loop_armed(&b));
    round_after(100);
    cr_assert_str_eq(log_of, "abc", "%s", log_of);
    cr_assert_eq(loop_now(loop).ns, now.ns);
    loop_free(loop);
}

Test(loop, timers_disarm_and_move)
{
    struct loop_timer a = {.fire = note, .ctx = "a"}, b = {.fire = note, .ctx = "b"};
    struct loop_timer c = {.fire = note, .ctx = "c"};

    setup();
    arm(&a, 10);
    arm(&b, 20);
    arm(&c, 30);
    loop_disarm(loop, &b);
    loop_disarm(loop, &b);
    arm(&a, 40);
    arm(&c, 5);
    round_after(5);
    cr_assert_str_eq(log_of, "c");
    round_after(100);
    cr_assert_str_eq(log_of, "ca", "%s", log_of);
    loop_free(loop);
}

static struct mono last_fired;
static unsigned fired;

static void note_order(void *ctx)
{
    struct loop_timer *timer = ctx;

    cr_assert_not(mono_before(timer->at, last_fired));
    last_fired = timer->at;
    fired++;
}

Test(loop, many_timers)
{
    static struct loop_timer timers[500];
    unsigned random = 1;

    setup();
    fired = 0;
    last_fired.ns = 0;
    for (int i = 0; i < 500; i++)
        timers[i] = (struct loop_timer){.fire = note_order, .ctx = &timers[i]};
    for (int i = 0; i < 2000; i++) { /* most are moved a few times */
        random = random * 1103515245 + 12345;
        arm(&timers[random / 65536 % 500], random / 7 % 1000);
    }
    for (int i = 0; i < 500; i++)
        i % 3 ? arm(&timers[i], i * 37 % 1000) : loop_disarm(loop, &timers[i]);
    round_after(1000);
    cr_assert_eq(fired, 333, "%u", fired);
    loop_free(loop);
}

static struct loop_chore chore = {.run = note, .ctx = "x"};

static void ask_for_chore(void *ctx)
{
    note(ctx);
    loop_later(loop, &chore);
    loop_later(loop, &chore);
}

Test(loop, chores_once_a_round)
{
    struct loop_timer a = {.fire = ask_for_chore, .ctx = "a"};
    struct loop_timer b = {.fire = ask_for_chore, .ctx = "b"};

    setup();
    arm(&a, 1);
    arm(&b, 2);
    round_after(2);
    cr_assert_str_eq(log_of, "abx", "%s", log_of);
    round_after(1);
    cr_assert_str_eq(log_of, "abx", "%s", log_of);
    loop_free(loop);
}

static void drop_chore(void *ctx)
{
    note(ctx);
    loop_drop(loop, &chore);
    loop_drop(loop, &chore);
}

Test(loop, chores_that_are_dropped)
{
    struct loop_timer a = {.fire = ask_for_chore, .ctx = "a"};
    struct loop_timer b = {.fire = drop_chore, .ctx = "b"};
    struct loop_chore other = {.run = note, .ctx = "y"};

    setup();
    loop_later(loop, &other);
    arm(&a, 1);
    arm(&b, 2);
    round_after(2);
    cr_assert_str_eq(log_of, "yab", "%s", log_of);
    arm(&a, 1);
    round_after(1);
    cr_assert_str_eq(log_of, "yabax", "%s", log_of);
    loop_free(loop);
}

static void note_and_stop(void *letter)
{
    note(letter);
    loop_stop(loop);
}

static void *post(void *task)
{
    loop_post(loop, task);
    return NULL;
}

Test(loop, task_of_another_thread)
{
    struct loop_task task = {.run = note_and_stop, .ctx = "t"};
    pthread_t thread;

    setup();
    for (int i = 0; i < 3; i++) { /* each wakes it anew, though nobody reads the eventfd */
        cr_assert_eq(pthread_create(&thread, NULL, post, &task), 0);
        cr_assert_eq(loop_run(loop), 0);
        pthread_join(thread, NULL);
    }
    cr_assert_str_eq(log_of, "ttt");
    loop_free(loop);
}

static struct loop_task again = {.run = note, .ctx = "z"};

static void post_again(void *letter)
{
    note(letter);
    loop_post(loop, &again);
}

Test(loop, tasks_run_in_the_order_posted)
{
    struct loop_task tasks[] = {
        {.run = post_again, .ctx = "a"}, {.run = note, .ctx = "b"}, {.run = note, .ctx = "c"}};

    setup();
    for (size_t i = 0; i < 3; i++)
        loop_post(loop, &tasks[i]);
    round_after(0);
    cr_assert_str_eq(log_of, "abc", "%s", log_of);
    round_after(0);
    cr_assert_str_eq(log_of, "abcz", "%s", log_of);
    round_after(0);
    cr_assert_str_eq(log_of, "abcz", "once each: %s", log_of);
    loop_free(loop);
}

#define POSTERS 4
#define POSTS 2000

static struct post {
    struct loop_task task;
    int poster, turn;
} posts[POSTERS][POSTS];
static int turns[POSTERS], turns_in_all;

static void take_turn(void *ctx)
{
    const struct post *this = ctx;

    cr_assert_eq(this->turn, turns[this->poster]++);
    if (++turns_in_all == POSTERS * POSTS)
        loop_stop(loop);
}

static void *post_many(void *ctx)
{
    struct post *mine = ctx;

    for (int i = 0; i < POSTS; i++)
        loop_post(loop, &mine[i].task);
    return NULL;
}

Test(loop, many_threads_post_each_in_its_order)
{
    pthread_t threads[POSTERS];

    setup();
    for (int i = 0; i < POSTERS; i++) {
        for (int j = 0; j < POSTS; j++)
            posts[i][j] = (struct post){{.run = take_turn, .ctx = &posts[i][j]}, i, j};
        cr_assert_eq(pthread_create(&threads[i], NULL, post_many, posts[i]), 0);
    }
    cr_assert_eq(loop_run(loop), 0);
    for (int i = 0; i < POSTERS; i++)
        pthread_join(threads[i], NULL);
    loop_free(loop);
}

static struct loop_fd pair[2];

static void unwatch_the_other(void *ctx, uint32_t events)
{
    struct loop_fd *self = ctx;

    cr_assert(events & EPOLLIN);
    note("r");
    loop_unwatch(loop, self == &pair[0] ? &pair[1] : &pair[0]);
}

Test(loop, unwatched_within_the_round)
{
    int pipes[2][2];

    setup();
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(pipe(pipes[i]), 0);
        cr_assert_eq(write(pipes[i][1], "x", 1), 1);
        pair[i] = (struct loop_fd){.fd = pipes[i][0], .ready = unwatch_the_other, .ctx = &pair[i]};
        cr_assert_eq(loop_watch(loop, &pair[i], EPOLLIN), 0);
    }
    round_after(0);
    cr_assert_str_eq(log_of, "r", "%s", log_of);
    round_after(0);
    cr_assert_str_eq(log_of, "rr", "still ready, still watched: %s", log_of);
    for (int i = 0; i < 2; i++) {
        loop_unwatch(loop, &pair[i]);
        close(pipes[i][0]);
        close(pipes[i][1]);
    }
    loop_free(loop);
}

Test(loop, rewatch)
{
    int ends[2];

    setup();
    cr_assert_eq(pipe(ends), 0);
    cr_assert_eq(write(ends[1], "x", 1), 1);
    pair[0] = (struct loop_fd){.fd = ends[0], .ready = unwatch_the_other, .ctx = &pair[0]};
    pair[1].fd = -1;
    cr_assert_eq(loop_watch(loop, &pair[0], 0), 0);
    round_after(0);
    cr_assert_str_empty(log_of);
    cr_assert_eq(loop_rewatch(loop, &pair[0], EPOLLIN), 0);
    round_after(0);
    cr_assert_str_eq(log_of, "r");
    loop_unwatch(loop, &pair[0]);
    close(ends[0]);
    close(ends[1]);
    cr_assert_eq(loop_watch(loop, &pair[0], EPOLLIN), -1, "closed");
    loop_free(loop);
}
