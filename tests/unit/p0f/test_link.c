/* SPDX-License-Identifier: MIT */
#include "p0f/link.h"

#include "../../support/c/stage.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static struct link tested;
static unsigned lost;
static enum p0f_error lost_with;
static int epoll; /* the loop's */

static void on_event(void *ctx, struct link *about, enum link_event event)
{
    (void)ctx;
    cr_assert_eq(about, &tested);
    if (event != LINK_EVENT_LOST)
        return;
    lost_with = about->fault.error;
    lost++;
}

static void ignore(void *ctx, enum p0f_error error, const struct p0f_host *host)
{
    (void)ctx;
    (void)error;
    (void)host;
}

static struct link_common common = {.pipeline = 64, .event = on_event};

/* The loop's is the first descriptor that it opens. There may be others of that kind, inherited. */
static void open_stage(void)
{
    char path[32], kind[32] = "";

    epoll = open("/dev/null", O_RDONLY);
    close(epoll);
    stage_open();
    snprintf(path, sizeof path, "/proc/self/fd/%d", epoll);
    cr_assert_gt(readlink(path, kind, sizeof kind - 1), 0);
    cr_assert_str_eq(kind, "anon_inode:[eventpoll]");
}

static void setup(void)
{
    open_stage();
    stage_p0f_start();
    tested = (struct link){0};
    lost = 0;
    common.loop = stage.loop;
    common.socket = stage.p0f.socket.path;
    link_start(&tested, &common);
    link_flush(&tested);
    stage_settle();
    cr_assert_eq(tested.state, LINK_READY);
}

static void teardown(void)
{
    common.retiring = true;
    stage_p0f_stop();
    stage_pass(10);
    cr_assert_eq(tested.state, LINK_DOWN);
    cr_assert_not(link_may_answer(&tested));
    link_stop(&tested);
    common.retiring = false;
    stage_close();
}

/* Whether the next round would have something to do, when no time passes. */
static bool is_busy(void)
{
    struct pollfd looked = {.fd = epoll, .events = POLLIN};

    return poll(&looked, 1, 0) > 0;
}

/* Fills what the kernel holds for a p0f that does not read. */
static void fill(void)
{
    static const struct p0f_addr somebody = {.type = 4, .bytes = {10, 0, 0, 1}};
    const int min = 1;

    cr_assert_eq(setsockopt(p0f_conn_fd(tested.conn), SOL_SOCKET, SO_SNDBUF, &min, sizeof min), 0);
    while (!p0f_conn_wants_write(tested.conn)) {
        cr_assert_eq(p0f_conn_ask(tested.conn, &somebody, ignore, NULL), P0F_OK);
        link_flush(&tested);
    }
}

/* What is never sent any more is not waited for either: that is possible all the time. */
Test(link, draining_with_queries_unsent)
{
    setup();
    fill();
    stage_round();
    cr_assert_not(is_busy());
    cr_assert_eq(send(stage.p0f.clients[0].fd, "this is no answer", 17, MSG_NOSIGNAL), 17);
    stage_round();
    cr_assert_eq(lost, 1);
    cr_assert_eq(lost_with, P0F_MALFORMED);
    cr_assert_eq(tested.state, LINK_DRAINING);
    cr_assert(link_may_answer(&tested));
    for (int i = 0; i < 64; i++) /* p0f reads on, so there is room again */
        stage_read(&stage.p0f.clients[0]);
    stage_round();
    cr_assert_not(is_busy(), "the loop spins");
    teardown();
    cr_assert_eq(lost, 2, "it was to return, and does not");
    cr_assert_eq(lost_with, P0F_DISCONNECTED);
}

static void stop_it(void *ctx, enum p0f_error error, const struct p0f_host *host)
{
    ignore(ctx, error, host);
    link_stop(&tested);
}

static void ask(p0f_answer_fn *answer)
{
    static const struct p0f_addr somebody = {.type = 4, .bytes = {10, 0, 0, 1}};

    cr_assert_eq(p0f_conn_ask(tested.conn, &somebody, answer, NULL), P0F_OK);
    link_flush(&tested);
}

/* Not even then is it closed while an answer is outstanding. */
Test(link, stopped_while_outstanding)
{
    setup();
    ask(ignore);
    link_stop(&tested);
    cr_assert_eq(tested.state, LINK_DRAINING);
    stage_settle();
    stage_pass(1000);
    cr_assert_eq(tested.state, LINK_DOWN);
    teardown();
}

/* Nor under the feet of who tells the answer. */
Test(link, stopped_by_who_is_told)
{
    setup();
    ask(stop_it);
    stage_settle();
    cr_assert_eq(tested.state, LINK_DRAINING);
    stage_pass(1000);
    cr_assert_eq(tested.state, LINK_DOWN);
    teardown();
}

/* ---- A p0f that does not last */

/* Passes so much time, in which p0f hangs up `life` after it has become ready each time. Returns how
 * many connections were made. */
static unsigned flap(int64_t ms, int64_t life)
{
    unsigned before = stage.accepted;
    int64_t ready = 0;

    for (; ms > 0; ms -= 5) {
        stage.now = mono_add_ms(stage.now, 5);
        link_flush(&tested);
        stage_settle();
        link_flush(&tested);
        stage_settle();
        ready = tested.state == LINK_READY ? ready + 5 : 0;
        if (ready > life)
            stage_hang_up();
    }
    return stage.accepted - before;
}

/* To answer its probes is easy for it. */
Test(link, who_hangs_up_at_once_is_tried_less_and_less)
{
    setup();
    cr_assert_leq(flap(6500, 0), 14);
    cr_assert_geq(flap(10000, 0), 9, "but no less than once a second");
    teardown();
}

Test(link, who_lives_for_a_while_is_tried_soon)
{
    setup();
    flap(6500, 0);
    for (int i = 0; i < 3; i++) {
        flap(2000, INT64_MAX);
        cr_assert_eq(tested.state, LINK_READY);
        stage_hang_up();
        stage_settle();
        cr_assert_eq(tested.state, LINK_DOWN);
        cr_assert_eq(flap(55, INT64_MAX), 1);
        cr_assert_eq(tested.state, LINK_READY);
    }
    teardown();
}

/* ---- A p0f that writes without end */

static int unread(void)
{
    int length;

    cr_assert_eq(ioctl(p0f_conn_fd(tested.conn), FIONREAD, &length), 0);
    return length;
}

/* As much as the kernel holds. */
static void flood(void)
{
    static uint8_t garbage[65536];

    memset(garbage, 0xff, sizeof garbage);
    while (send(stage.p0f.clients[0].fd, garbage, sizeof garbage, MSG_NOSIGNAL) > 0)
        ;
}

/* However much it is, a little is read, and then the loop is free for a while. */
Test(link, a_flood_is_read_a_little_at_a_time)
{
    int before;

    setup();
    ask(ignore);
    flood();
    stage_round();
    cr_assert_eq(lost_with, P0F_MALFORMED);
    for (int64_t ms = 0; ms < 240; ms += 10) {
        cr_assert_eq(tested.state, LINK_DRAINING, "after %d ms", (int)ms);
        flood();
        before = unread();
        cr_assert_not(is_busy(), "the loop reads on");
        stage.now = mono_add_ms(stage.now, 9);
        stage_round();
        cr_assert_not(is_busy());
        cr_assert_eq(unread(), before);
        stage.now = mono_add_ms(stage.now, 1);
        stage_round();
        cr_assert_eq(unread(), before, "only watched again");
        cr_assert(is_busy());
        stage_round();
        cr_assert_lt(unread(), before);
        cr_assert_gt(unread(), before - 20480);
    }
    stage.now = mono_add_ms(stage.now, 10);
    stage_round();
    cr_assert_eq(tested.state, LINK_DOWN, "nothing is outstanding, and its time is over");
    stage_hang_up();
    flap(55, INT64_MAX);
    cr_assert_eq(tested.state, LINK_READY);
    teardown();
}
