/* SPDX-License-Identifier: MIT */
#include "relay_fixture.h"

Test(relay, many_connections, .init = setup, .fini = teardown)
{
    uint64_t accepted = counted(METRIC_RELAY_ACCEPTED), refused = counted(METRIC_RELAY_REFUSED);
    int clients[20];

    for (unsigned i = 0; i < 20; i++)
        clients[i] = connect_client();
    cr_assert_eq(try_to_connect(), -1);
    cr_assert_eq(errno, EAGAIN, "%s", strerror(errno));
    cr_assert_eq(counted(METRIC_RELAY_ACCEPTED), accepted + 20);
    cr_assert_eq(counted(METRIC_RELAY_REFUSED), refused + 1);
    cr_assert_eq(relay_counts(relay).connections, 20);
    cr_assert_eq(relay_counts(relay).max_connections, 20);
    for (unsigned i = 0; i < 20; i++)
        ask(clients[i], "10.0.0.1");
    stage_settle();
    for (unsigned i = 0; i < 20; i++)
        expect_answer(clients[i], P0F_STATUS_OK);
    cr_assert_eq(stage.asked, 1);
    close(clients[0]);
    stage_settle();
    clients[0] = connect_client();
    for (unsigned i = 0; i < 20; i++)
        close(clients[i]);
    stage_settle();
    cr_assert_eq(relay_counts(relay).connections, 0);
}

Test(relay, freed_with_all_that_is_under_way, .init = setup, .fini = teardown)
{
    int clients[3];

    stage.holding = true;
    for (unsigned i = 0; i < 3; i++)
        clients[i] = connect_client();
    for (unsigned i = 0; i < 10; i++)
        ask(clients[2], "10.0.0.1");
    stage_settle();
    ask(clients[1], "10.0.0.1"); /* waits for a turn, which is due when the other is closed */
    stage_settle();
    cr_assert_eq(relay_counts(relay).lookups, 8);
    relay_free(relay);
    relay = NULL;
    cr_assert_eq(lookup_pending(lookup), 0);
    expect_reset(clients[2]);
    expect_reset(clients[1]);
    expect_closed(clients[0]);
}

Test(relay, freeing_nothing)
{
    relay_free(NULL);
}

/* Half of what may be pending is the most that all its clients can have. */
static void expect_room_for_others(uint32_t allowed)
{
    int clients[4];

    stage.holding = true;
    for (unsigned i = 0; i < 4; i++) {
        clients[i] = connect_client();
        for (uint8_t host = 0; host < 12; host++)
            ask_addr(clients[i], &(struct p0f_addr){4, {10, 1, (uint8_t)i, host}});
    }
    stage_settle();
    cr_assert_eq(relay_counts(relay).lookups, allowed);
    cr_assert_eq(lookup_pending(lookup), allowed);
    stage.holding = false;
    stage_settle();
    stage_settle();
    for (unsigned i = 0; i < 4; i++) {
        for (unsigned host = 0; host < 12; host++)
            expect_answer(clients[i], P0F_STATUS_OK);
        expect_nothing(clients[i]);
        close(clients[i]);
    }
    stage_settle();
    cr_assert_eq(relay_counts(relay).lookups, 0);
}

Test(relay, leaves_room_for_others, .init = setup, .fini = teardown)
{
    expect_room_for_others(8);
}

Test(relay, limit_can_change, .init = setup, .fini = teardown)
{
    relay_set_max_lookups(relay, 3);
    expect_room_for_others(3);
    relay_set_max_lookups(relay, 5);
    cr_assert_eq(relay_counts(relay).max_lookups, 5);
}

Test(relay, a_higher_limit_is_used_at_once, .init = setup, .fini = teardown)
{
    int client = connect_client();

    stage.holding = true;
    relay_set_max_lookups(relay, 1);
    ask(client, "10.0.0.1");
    ask(client, "10.0.0.2");
    ask(client, "10.0.0.3");
    stage_settle();
    cr_assert_eq(lookup_pending(lookup), 1);
    relay_set_max_lookups(relay, 3);
    stage_settle();
    cr_assert_eq(lookup_pending(lookup), 3);
    close(client);
    stage_settle();
}

/* ---- Shutting down */

Test(relay, shut_down_closes_the_idle, .init = setup, .fini = teardown)
{
    int idle = connect_client(), part = connect_client();

    send_bytes(part, "x", 1);
    stage_settle();
    relay_shut_down(relay);
    stage_settle();
    expect_closed(idle);
    expect_closed(part);
    cr_assert_eq(relay_counts(relay).connections, 0);
}

Test(relay, shut_down_answers_first, .init = setup, .fini = teardown)
{
    int asked = connect_client(), unread = connect_client();

    stage.holding = true;
    ask(asked, "10.0.0.1");
    stage_settle();
    ask(unread, "10.0.0.2");
    relay_shut_down(relay);
    ask(asked, "10.0.0.3"); /* too late */
    stage_settle();
    cr_assert_eq(relay_counts(relay).connections, 2);
    expect_nothing(asked);
    stage.holding = false;
    stage_settle();
    expect_answer(asked, P0F_STATUS_OK);
    expect_answer(unread, P0F_STATUS_OK);
    expect_closed(unread);
    cr_assert_eq(relay_counts(relay).connections, 0);
    close(asked);
}

Test(relay, shut_down_finds_a_client_gone, .init = setup, .fini = teardown)
{
    int gone = connect_client();

    ask(gone, "10.0.0.1");
    close(gone);
    relay_shut_down(relay);
    stage_settle();
    cr_assert_eq(relay_counts(relay).connections, 0);
}
