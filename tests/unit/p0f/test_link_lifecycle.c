/* SPDX-License-Identifier: MIT */
/* What a link does between two connections, and at the end of one. */
#include "p0f/link.h"

#include "../../support/c/stage.h"

#include <sys/socket.h>
#include <unistd.h>

static struct link tested;
static unsigned connected;

static void on_event(void *ctx, struct link *about, enum link_event event)
{
    (void)ctx;
    cr_assert_eq(about, &tested);
    connected += event == LINK_EVENT_CONNECTED;
}

static void ignore(void *ctx, enum p0f_error error, const struct p0f_host *host)
{
    (void)ctx, (void)error, (void)host;
}

static struct link_common common;

/* As the pool does when it is told that one is connected. */
static void settle(void)
{
    for (int i = 0; i < 3; i++) {
        link_flush(&tested);
        stage_settle();
    }
}

static void start(uint64_t seed)
{
    common = (struct link_common){.loop = stage.loop,
                                  .socket = stage.p0f.socket.path,
                                  .pipeline = 64,
                                  .random = seed,
                                  .event = on_event};
    tested = (struct link){0};
    connected = 0;
    link_start(&tested, &common);
    settle();
}

static void open_with_p0f(void)
{
    stage_open();
    stage_p0f_start();
    start(1);
    cr_assert_eq(tested.state, LINK_READY);
}

static void finish(void)
{
    common.retiring = true;
    stage_p0f_stop();
    stage_round();
    link_stop(&tested);
    cr_assert_eq(tested.state, LINK_DOWN);
    stage_close();
}

static enum p0f_error ask(void)
{
    static const struct p0f_addr somebody = {.type = 4, .bytes = {10, 0, 0, 1}};
    enum p0f_error error = p0f_conn_ask(tested.conn, &somebody, ignore, NULL);

    link_flush(&tested);
    return error;
}

static void pass(int64_t ms)
{
    stage.now = mono_add_ms(stage.now, ms);
    settle();
}

Test(link_lifecycle, retired_it_takes_no_more_and_closes_with_the_last_answer)
{
    open_with_p0f();
    cr_assert_eq(ask(), P0F_OK);
    common.retiring = true;
    link_retire(&tested);
    cr_assert_eq(ask(), P0F_RETIRED);
    cr_assert_eq(tested.state, LINK_READY);
    settle();
    cr_assert_eq(tested.state, LINK_DOWN);
    finish();
}

Test(link_lifecycle, retired_it_closes_at_once_if_idle)
{
    open_with_p0f();
    common.retiring = true;
    link_retire(&tested);
    cr_assert_eq(tested.state, LINK_DOWN);
    finish();
}

/* Neither after the pause of one that is down, nor when one is lost that p0f has not yet answered. */
Test(link_lifecycle, retired_it_connects_no_more)
{
    open_with_p0f();
    stage_hang_up();
    settle();
    cr_assert_eq(tested.state, LINK_DOWN);
    common.retiring = true;
    link_retire(&tested);
    pass(5000);
    cr_assert_eq(stage.accepted, 1);
    finish();

    stage_open();
    stage_p0f_start();
    stage.mute = true;
    start(1);
    cr_assert_eq(tested.state, LINK_PROBING);
    common.retiring = true;
    link_retire(&tested);
    stage_hang_up();
    settle();
    cr_assert_eq(tested.state, LINK_DOWN);
    pass(5000);
    cr_assert_eq(stage.accepted, 1);
    finish();
}

/* It is closed by the answer, and not only when p0f hangs up. */
Test(link_lifecycle, the_last_answer_comes_long_after_it_was_given_up)
{
    open_with_p0f();
    stage.holding = true;
    cr_assert_eq(ask(), P0F_OK);
    cr_assert_eq(ask(), P0F_OK);
    link_stop(&tested);
    pass(1000);
    cr_assert_eq(tested.state, LINK_DRAINING);
    stage_read(&stage.p0f.clients[0]);
    stage_answer_first(&stage.p0f.clients[0]);
    pass(10); /* it is read that often and no more */
    cr_assert_eq(tested.state, LINK_DRAINING);
    stage_answer_first(&stage.p0f.clients[0]);
    pass(10);
    cr_assert_eq(tested.state, LINK_DOWN);
    pass(50);
    cr_assert_eq(tested.state, LINK_READY, "the pause is that of one that had been ready");
    finish();
}

/* Just now it was given up: more may come. */
Test(link_lifecycle, the_last_answer_comes_at_once_after_it_was_given_up)
{
    open_with_p0f();
    stage.holding = true;
    cr_assert_eq(ask(), P0F_OK);
    link_stop(&tested);
    stage.holding = false;
    settle();
    cr_assert_eq(tested.state, LINK_DRAINING);
    pass(249);
    cr_assert_eq(tested.state, LINK_DRAINING);
    pass(1);
    cr_assert_eq(tested.state, LINK_DOWN);
    finish();
}

/* Nobody listens. Ends the pause, and returns how long it was. */
static int64_t wait_out(void)
{
    cr_assert_eq(tested.state, LINK_DOWN);
    cr_assert(loop_armed(&tested.timer));
    int64_t ms = mono_ms_between(stage.now, tested.timer.at);
    stage.now = tested.timer.at;
    stage_round();
    return ms;
}

Test(link_lifecycle, pauses_double_up_to_a_second)
{
    static const int64_t max[] = {50, 100, 200, 400, 800, 1000, 1000, 1000};

    for (uint64_t seed = 1; seed <= 50; seed++) {
        stage_open();
        start(seed);
        for (size_t i = 0; i < sizeof max / sizeof max[0]; i++) {
            int64_t ms = wait_out();
            cr_assert(ms >= max[i] / 2 && ms <= max[i], "the %zuth is %d", i, (int)ms);
        }
        stage_p0f_start();
        wait_out();
        settle();
        cr_assert_eq(tested.state, LINK_READY);
        pass(1000); /* in good health */
        stage_p0f_stop();
        settle();
        cr_assert_leq(wait_out(), 50, "it begins anew");
        finish();
    }
}

/* Those that have lost the same p0f are not to come back at once. */
Test(link_lifecycle, pauses_are_spread_over_their_later_half)
{
    unsigned quarters[4] = {0};

    stage_open();
    start(7);
    for (int i = 0; i < 6; i++)
        wait_out();
    for (int i = 0; i < 400; i++) {
        int64_t ms = wait_out();
        quarters[ms == 1000 ? 3 : (ms - 500) / 125]++;
    }
    for (int i = 0; i < 4; i++)
        cr_assert(quarters[i] > 60 && quarters[i] < 140, "%u in quarter %d", quarters[i], i);
    finish();
}

/* More than the kernel holds for a p0f that does not read. It reads on, and answers nothing yet, and
 * nobody asks for more. */
Test(link_lifecycle, what_did_not_fit_is_sent_when_there_is_room)
{
    const int min = 1;

    open_with_p0f();
    stage.holding = true;
    cr_assert_eq(setsockopt(p0f_conn_fd(tested.conn), SOL_SOCKET, SO_SNDBUF, &min, sizeof min), 0);
    unsigned asked = 0;
    for (; !p0f_conn_wants_write(tested.conn); asked++)
        cr_assert_eq(ask(), P0F_OK);
    for (; p0f_conn_pending(tested.conn) < common.pipeline; asked++)
        cr_assert_eq(ask(), P0F_OK);
    for (unsigned i = 0; i < asked; i++)
        stage_settle();
    cr_assert_eq(stage.asked, asked);
    stage.holding = false;
    stage_settle();
    cr_assert_eq(p0f_conn_outstanding(tested.conn), 0);
    cr_assert_eq(p0f_conn_pending(tested.conn), 0);
    finish();
}

/* After nonsense it is given up, and soon to be there again: unless p0f is not, then. */
Test(link_lifecycle, it_does_not_return_to_a_p0f_that_has_gone)
{
    open_with_p0f();
    cr_assert_eq(send(stage.p0f.clients[0].fd, "this is no answer", 17, MSG_NOSIGNAL), 17);
    stage_round();
    cr_assert_eq(tested.state, LINK_DRAINING);
    cr_assert(link_may_answer(&tested));
    close(stage.p0f.socket.listener); /* it takes no more connections, and still has this one */
    stage.p0f.socket.listener = -1;
    unlink(stage.p0f.socket.path);
    stage.now = mono_add_ms(stage.now, 250);
    stage_round();
    cr_assert_eq(tested.state, LINK_DOWN);
    cr_assert(link_may_answer(&tested), "nobody knows yet");
    pass(50);
    cr_assert_eq(tested.state, LINK_DOWN);
    cr_assert_not(link_may_answer(&tested));
    finish();
}

/* ---- What is not our p0f */

/* It hangs up without an answer each time. Returns after how many ms it is tried again, in steps. */
static int64_t wait_for_next(int64_t step)
{
    unsigned before = stage.accepted;
    int64_t ms = 0;

    cr_assert_eq(tested.state, LINK_PROBING);
    stage_hang_up();
    for (settle(); stage.accepted == before; ms += step)
        pass(step);
    return ms;
}

static void open_with_foreign(void)
{
    stage_open();
    stage_p0f_start();
    stage.mute = true;
    start(3);
}

/* A pause is over when the socket is looked at next, at most a second later. */
Test(link_lifecycle, what_is_not_p0f_is_tried_ever_less)
{
    int64_t max = 50;

    open_with_foreign();
    for (int i = 0; i < 12; i++) {
        int64_t ms = wait_for_next(5);
        cr_assert(ms >= max / 2 && ms <= max + 1005, "pause %d is %d ms", i, (int)ms);
        max = max < 5000 ? 2 * max : 10000;
    }
    stage.mute = false;
    settle();
    cr_assert_eq(tested.state, LINK_READY);
    stage.mute = true;
    stage_hang_up();
    settle();
    pass(1000);
    cr_assert_eq(tested.state, LINK_PROBING, "it is p0f, which has gone for a moment");
    cr_assert_leq(wait_for_next(5), 1005, "it begins anew");
    finish();
}

static void grow_pause(void)
{
    open_with_foreign();
    for (int i = 0; i < 10; i++)
        wait_for_next(100);
    stage_hang_up();
    settle();
    cr_assert_eq(tested.state, LINK_DOWN);
}

/* However long the pause has become. */
Test(link_lifecycle, another_socket_is_tried_at_once)
{
    struct socket_file_id now;

    grow_pause();
    do { /* the kernel's time goes on in steps */
        stage_p0f_stop();
        stage_p0f_start();
        now = socket_file_id(stage.p0f.socket.path);
    } while (socket_file_same(&now, &tested.socket));
    stage.mute = false;
    pass(1000);
    cr_assert_eq(tested.state, LINK_READY);
    finish();
}

Test(link_lifecycle, the_same_socket_is_not_tried_at_once)
{
    grow_pause();
    unsigned before = stage.accepted;
    for (int i = 0; i < 4; i++)
        pass(1000);
    cr_assert_eq(stage.accepted, before);
    finish();
}
