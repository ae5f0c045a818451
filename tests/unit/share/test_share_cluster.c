/* SPDX-License-Identifier: MIT */
#include "share/share.h"

#include "share/nodes.h"
#include "share/slots.h"
#include "share_fixture.h"

#include <stdarg.h>

/* Addresses whose keys are in the first, the second and the third part of the slots. */
#define FIRST "2001:db8::1"
#define SECOND "192.0.2.1"
#define THIRD "192.0.2.4"

static uint16_t port_of(unsigned store)
{
    return tier.stores[store].fake.port;
}

/* What all stores reply to CLUSTER SLOTS: each part belongs to this store, or to none (-1). */
static void set_map(int first, int second, int third)
{
    const int owners[] = {first, second, third};
    char map[512], *end = map;

    end += sprintf(end, "*%d\r\n", (first >= 0) + (second >= 0) + (third >= 0));
    for (int i = 0; i < 3; i++)
        if (owners[i] >= 0)
            end += sprintf(end, "*3\r\n:%d\r\n:%d\r\n*2\r\n$9\r\n127.0.0.1\r\n:%u\r\n",
                           i * SLOTS / 3, (i + 1) * SLOTS / 3 - 1, port_of((unsigned)owners[i]));
    for (unsigned i = 0; i < TIER_STORES; i++) {
        free(tier.stores[i].slots);
        tier.stores[i].slots = strdup(map);
    }
}

static const char *redirection(const char *kind, unsigned store)
{
    static char text[TIER_STORES][64];

    sprintf(text[store], "-%s 1 127.0.0.1:%u\r\n", kind, port_of(store));
    return text[store];
}

static void start_at_first(const char *user)
{
    char server[256];

    snprintf(server, sizeof server, "redis://%s127.0.0.1:%u", user, port_of(0));
    tier_new(server);
}

static void start_cluster(void)
{
    tier_open();
    set_map(0, 1, 2);
    start_at_first("");
    tier_pass(1000); /* it was asked for again, as the nodes were not up */
    tier_forget_protocols();
}

static void start_with_first_only(void)
{
    tier_open();
    set_map(0, 0, 0);
    start_at_first("");
    tier_forget_protocols();
}

static unsigned count_of(const char *word)
{
    unsigned count = 0;

    for (unsigned i = 0; i < TIER_STORES; i++)
        for (const char *at = tier.stores[i].protocol; (at = strstr(at, word)); at++)
            count++;
    return count;
}

/* ---- The map */

Test(share_cluster, each_key_is_asked_of_its_node, .init = start_cluster, .fini = tier_finish)
{
    tier_add(SECOND, "web2", 10);
    cr_assert_eq(tier_ask(SECOND).result, SHARE_FOUND);
    cr_assert_eq(tier_ask(FIRST).result, SHARE_NONE);
    cr_assert_eq(tier_ask(THIRD).result, SHARE_NONE);
    tier_expect(0, "HSCAN p0f:" FIRST " 0 COUNT 512\n");
    tier_expect(1, "HSCAN p0f:" SECOND " 0 COUNT 512\n");
    tier_expect(2, "HSCAN p0f:" THIRD " 0 COUNT 512\n");
    cr_assert_eq(tier_counts()->moved, 0);
    cr_assert(tier.status.cluster);
    cr_assert(tier.status.up);
    cr_assert_eq(tier.status.nodes, 3);
}

Test(share_cluster, connections_to_all_are_counted, .init = start_cluster, .fini = tier_finish)
{
    cr_assert_eq(share_connections(tier.share), 3);
}

Test(share_cluster, writes_go_there_too, .init = start_cluster, .fini = tier_finish)
{
    struct p0f_host host = tier_host(0);

    tier_write(THIRD, &host);
    tier_expect(2, "HSET p0f:" THIRD " web1 V\nPEXPIRE p0f:" THIRD " 7200000\n");
    cr_assert_eq(tier_counts()->writes_ok, 1);
}

Test(share_cluster, nodes_are_asked_while_they_are_being_connected, .init = tier_open,
     .fini = tier_finish)
{
    char server[64];
    struct tier_query query;
    struct p0f_host host = tier_host(0);
    const struct p0f_addr addr = tier_addr(SECOND);

    set_map(0, 1, 2);
    sprintf(server, "redis://127.0.0.1:%u", port_of(0));
    tier.stores[1].mute = true;
    tier_new(server);
    share_write(tier.share, &addr, &host, "web1");
    cr_assert(tier_try(&query, SECOND));
    tier_pass(20);
    cr_assert_eq(query.answers, 0);
    tier.stores[1].mute = false;
    tier_settle();
    cr_assert_eq(query.result, SHARE_NONE);
    cr_assert_eq(tier_counts()->writes_ok, 1);
    fake_store_stop(&tier.stores[1].fake);
    tier_settle();
    cr_assert_not(tier_try(&query, SECOND), "lost, it is not waited for");
}

Test(share_cluster, but_not_for_longer_than_the_timeout, .init = tier_open, .fini = tier_finish)
{
    char server[64];
    struct tier_query query;

    set_map(0, 1, 2);
    sprintf(server, "redis://127.0.0.1:%u", port_of(0));
    tier.stores[1].mute = true;
    tier_new(server);
    cr_assert(tier_try(&query, SECOND));
    tier_pass(50);
    cr_assert_eq(query.result, SHARE_FAILED);
    cr_assert_eq(tier_counts()->reads_timeout, 1);
    cr_assert_not(tier_try(&query, SECOND), "nobody waits any more");
    tier.stores[1].mute = false;
    tier_settle();
    cr_assert_eq(count_of("HSCAN"), 0, "nor is it sent");
    cr_assert_eq(query.answers, 0);
}

Test(share_cluster, other_nodes_get_the_same_user, .init = tier_open, .fini = tier_finish)
{
    set_map(0, 1, 2);
    start_at_first("web:secret@");
    cr_assert_not_null(strstr(tier.stores[0].protocol, "AUTH web secret\n"));
    cr_assert_not_null(strstr(tier.stores[1].protocol, "AUTH web secret\n"));
    cr_assert_not_null(strstr(tier.stores[2].protocol, "AUTH web secret\n"));
}

Test(share_cluster, a_node_that_has_no_address_is_the_one_that_was_asked, .init = tier_open,
     .fini = tier_finish)
{
    char map[128];

    sprintf(map, "*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n$0\r\n\r\n:%u\r\n", port_of(0));
    tier.stores[0].slots = strdup(map);
    start_at_first("");
    cr_assert_eq(tier_ask(SECOND).result, SHARE_NONE);
    share_status(tier.share, &tier.status);
    cr_assert(tier.status.cluster);
    cr_assert_eq(tier.status.nodes, 1);
}

Test(share_cluster, a_map_that_is_none_is_ignored, .init = start_cluster, .fini = tier_finish)
{
    static const char *const maps[] = {"+OK\r\n", "*0\r\n", "*1\r\n:7\r\n",
                                       "-LOADING Redis is loading the dataset in memory\r\n"};

    for (size_t m = 0; m < sizeof maps / sizeof *maps; m++) {
        for (unsigned i = 0; i < TIER_STORES; i++) {
            free(tier.stores[i].slots);
            tier.stores[i].slots = strdup(maps[m]);
        }
        tier_pass(1000);
        tier.stores[1].on_read = redirection("MOVED", 2); /* has the map asked for */
        cr_assert_eq(tier_ask(SECOND).result, SHARE_NONE);
        tier.stores[1].on_read = NULL;
        cr_assert_eq(tier_ask(FIRST).result, SHARE_NONE);
        tier_forget_protocols();
        tier_pass(1000);
        cr_assert_eq(count_of("CLUSTER SLOTS"), 1, "it is asked for again: %s", maps[m]);
    }
    set_map(0, 1, 2);
    tier_pass(1000);
    tier_forget_protocols();
    cr_assert_eq(tier_ask(SECOND).result, SHARE_NONE);
    tier_expect(1, "HSCAN p0f:" SECOND " 0 COUNT 512\n");
}

Test(share_cluster, more_nodes_than_there_is_room_for, .init = tier_open, .fini = tier_finish)
{
    char *map = malloc(65536), *end = map;

    end += sprintf(end, "*%d\r\n", SHARE_NODES_MAX + 10);
    for (int i = 0; i < SHARE_NODES_MAX + 10; i++)
        end += sprintf(end, "*3\r\n:%d\r\n:%d\r\n*2\r\n$9\r\n127.0.0.1\r\n:%d\r\n", i, i, 1 + i);
    tier.stores[0].slots = map;
    start_at_first("");
    share_status(tier.share, &tier.status);
    cr_assert_eq(tier.status.nodes, SHARE_NODES_MAX);
    cr_assert_not(tier.status.up);
}

/* ---- Redirections */

Test(share_cluster, moved_is_followed_and_remembered, .init = start_with_first_only,
     .fini = tier_finish)
{
    tier_add(SECOND, "web2", 10);
    tier.stores[0].on_read = redirection("MOVED", 1);
    cr_assert_eq(tier_ask(SECOND).result, SHARE_FOUND);
    cr_assert_eq(tier_counts()->moved, 1);
    tier_forget_protocols();
    cr_assert_eq(tier_ask(SECOND).result, SHARE_FOUND);
    tier_expect(0, "");
    tier_expect(1, "HSCAN p0f:" SECOND " 0 COUNT 512\n");
}

Test(share_cluster, the_map_is_asked_for_once_a_second_at_most, .init = start_with_first_only,
     .fini = tier_finish)
{
    tier.stores[0].on_read = redirection("MOVED", 1);
    for (int i = 0; i < 10; i++) {
        cr_assert_eq(tier_ask(SECOND).result, SHARE_NONE);
        cr_assert_eq(tier_ask(THIRD).result, SHARE_NONE);
        tier_pass(99);
    }
    cr_assert_eq(count_of("CLUSTER SLOTS"), 0, "it was asked for at the start");
    set_map(0, 1, 1);
    tier_pass(10);
    cr_assert_eq(count_of("CLUSTER SLOTS"), 1);
    tier_pass(60000);
    cr_assert_eq(count_of("CLUSTER SLOTS"), 1);
}

Test(share_cluster, ask_is_followed_this_once, .init = start_with_first_only, .fini = tier_finish)
{
    tier_add(SECOND, "web2", 10);
    tier.stores[0].on_read = redirection("ASK", 1);
    cr_assert_eq(tier_ask(SECOND).result, SHARE_FOUND);
    tier_expect(0, "HSCAN p0f:" SECOND " 0 COUNT 512\n");
    cr_assert_not_null(strstr(tier.stores[1].protocol, "ASKING\nHSCAN p0f:" SECOND));
    cr_assert_eq(tier_counts()->ask, 1);
    cr_assert_eq(tier.status.counts.moved, 0);
    tier.stores[0].on_read = NULL;
    tier_forget_protocols();
    cr_assert_eq(tier_ask(SECOND).result, SHARE_FOUND);
    tier_expect(0, "HSCAN p0f:" SECOND " 0 COUNT 512\n");
    tier_pass(5000);
    cr_assert_eq(count_of("CLUSTER"), 0);
}

Test(share_cluster, a_redirection_to_the_same_host, .init = start_with_first_only,
     .fini = tier_finish)
{
    char text[32];

    sprintf(text, "-MOVED 1 :%u\r\n", port_of(1));
    tier.stores[0].on_read = text;
    cr_assert_eq(tier_ask(SECOND).result, SHARE_NONE);
    cr_assert_eq(count_of("HSCAN"), 2);
}

Test(share_cluster, redirections_in_a_circle_end, .init = start_with_first_only,
     .fini = tier_finish)
{
    tier.stores[0].on_read = redirection("MOVED", 1);
    tier.stores[1].on_read = redirection("MOVED", 0);
    cr_assert_eq(tier_ask(SECOND).result, SHARE_FAILED);
    cr_assert_eq(count_of("HSCAN"), 4);
    cr_assert_eq(tier_counts()->moved, 3);
    cr_assert_eq(tier.status.counts.reads_error, 1);
    for (int i = 0; i < 5; i++)
        cr_assert_eq(tier_ask(SECOND).result, SHARE_FAILED, "it is no fault of the nodes");
}

Test(share_cluster, to_a_node_that_is_not_there, .init = start_with_first_only, .fini = tier_finish)
{
    struct tier_query query;

    tier.stores[0].on_read = "-MOVED 1 127.0.0.1:1\r\n";
    cr_assert(tier_try(&query, SECOND));
    tier_settle();
    tier_pass(50);
    cr_assert_eq(query.answers, 1);
    cr_assert_eq(query.result, SHARE_FAILED);
    cr_assert_not(tier_try(&query, SECOND), "nobody waits for that again");
    tier.stores[0].on_read = NULL;
    cr_assert_eq(tier_ask(FIRST).result, SHARE_NONE);
    tier_pass(1000);
    cr_assert_eq(tier_ask(SECOND).result, SHARE_NONE, "the map says where it is");
}

Test(share_cluster, the_deadline_is_that_of_the_first_try, .init = start_cluster,
     .fini = tier_finish)
{
    struct tier_query query;

    tier.stores[0].mute = tier.stores[1].mute = true;
    tier.stores[0].on_read = redirection("MOVED", 1);
    cr_assert(tier_try(&query, FIRST));
    tier_pass(30);
    tier.stores[0].mute = false;
    tier_settle();
    cr_assert_eq(tier_counts()->moved, 1);
    tier_pass(19);
    cr_assert_eq(query.answers, 0);
    tier_pass(1);
    cr_assert_eq(query.result, SHARE_FAILED);
    tier.stores[1].mute = false;
    tier_settle();
    cr_assert_eq(query.answers, 1);
    cr_assert_eq(tier_counts()->late, 1);
}

Test(share_cluster, writes_follow_in_their_order, .init = start_cluster, .fini = tier_finish)
{
    struct p0f_host host = tier_host(0);

    tier.stores[0].on_set = tier.stores[0].on_expire = redirection("MOVED", 1);
    tier_write(FIRST, &host);
    tier_expect(1, "HSET p0f:" FIRST " web1 V\nPEXPIRE p0f:" FIRST " 7200000\n");
    cr_assert_eq(tier_counts()->writes_ok, 1);
    tier.stores[2].on_set = tier.stores[2].on_expire = redirection("ASK", 1);
    tier_write(THIRD, &host);
    tier_expect(1, "ASKING\nHSET p0f:" THIRD " web1 V\nASKING\nPEXPIRE p0f:" THIRD " 7200000\n");
    cr_assert_eq(tier_counts()->writes_ok, 2);
    cr_assert_eq(tier.status.counts.moved, 2);
    cr_assert_eq(tier.status.counts.ask, 2);
}

Test(share_cluster, a_write_in_a_circle_is_tried_again_later, .init = start_with_first_only,
     .fini = tier_finish)
{
    struct p0f_host host = tier_host(0);

    tier.stores[0].on_set = redirection("MOVED", 1);
    tier.stores[1].on_set = redirection("MOVED", 0);
    tier_write(SECOND, &host);
    cr_assert_eq(tier_counts()->writes_error, 1);
    tier.stores[0].on_set = tier.stores[1].on_set = NULL;
    tier_write(SECOND, &host);
    cr_assert_eq(tier_counts()->writes_ok, 1);
}

Test(share_cluster, without_the_right_to_the_map_redirections_must_do, .init = tier_open,
     .fini = tier_finish)
{
    for (unsigned i = 0; i < TIER_STORES; i++)
        tier.stores[i].slots = strdup("-NOPERM this user has no permissions\r\n");
    tier.stores[0].on_read = redirection("MOVED", 1);
    start_at_first("");
    for (int i = 0; i < 5; i++) {
        cr_assert_eq(tier_ask(SECOND).result, SHARE_NONE);
        tier_pass(1000);
    }
    cr_assert_eq(tier_counts()->moved, 1);
}

Test(share_cluster, a_slot_is_not_that_of_the_next_node_in_the_same_place, .init = tier_open,
     .fini = tier_finish)
{
    for (unsigned i = 0; i < TIER_STORES; i++)
        tier.stores[i].slots = strdup("-NOPERM this user has no permissions\r\n");
    start_at_first("");
    tier.stores[0].on_read = redirection("MOVED", 1);
    cr_assert_eq(tier_ask(SECOND).result, SHARE_NONE);
    for (int i = 0; i < 2; i++)
        tier_pass(NODES_FORGET_MS);
    cr_assert(tier_counts() && tier.status.nodes == 1);
    tier.stores[0].on_read = redirection("MOVED", 2);
    cr_assert_eq(tier_ask(THIRD).result, SHARE_NONE);
    tier.stores[0].on_read = NULL;
    tier_forget_protocols();
    cr_assert_eq(tier_ask(SECOND).result, SHARE_NONE);
    tier_expect(0, "HSCAN p0f:" SECOND " 0 COUNT 512\n");
}

/* ---- Nodes that come and go */

Test(share_cluster, a_lost_node_is_replaced, .init = start_cluster, .fini = tier_finish)
{
    struct tier_query query;

    fake_store_stop(&tier.stores[1].fake);
    tier_settle();
    cr_assert_not(tier_try(&query, SECOND), "nobody waits for it");
    cr_assert_eq(tier_ask(FIRST).result, SHARE_NONE, "the others go on");
    cr_assert(tier_counts() && !tier.status.up);
    set_map(0, 2, 2);
    tier_pass(1000);
    cr_assert_eq(tier_ask(SECOND).result, SHARE_NONE);
    tier_expect(1, "");
    cr_assert(tier_counts() && tier.status.up);
}

Test(share_cluster, the_map_is_asked_for_until_the_replacement_is_there, .init = start_cluster,
     .fini = tier_finish)
{
    fake_store_stop(&tier.stores[1].fake);
    tier_settle();
    tier_forget_protocols();
    for (int i = 0; i < 5; i++)
        tier_pass(1000);
    cr_assert_eq(count_of("CLUSTER SLOTS"), 5);
    set_map(0, 2, 2);
    tier_pass(1000);
    cr_assert_eq(tier_ask(SECOND).result, SHARE_NONE);
    tier_forget_protocols();
    tier_pass(5000);
    cr_assert_eq(count_of("CLUSTER SLOTS"), 0);
}

Test(share_cluster, the_server_in_the_settings_may_leave, .init = start_cluster,
     .fini = tier_finish)
{
    set_map(1, 1, 2);
    fake_store_stop(&tier.stores[0].fake);
    tier_pass(1000);
    cr_assert_eq(tier_ask(FIRST).result, SHARE_NONE);
    cr_assert(tier_counts() && tier.status.up, "it is not needed");
}

Test(share_cluster, all_may_be_replaced_while_one_in_the_settings_comes_back, .init = tier_open,
     .fini = tier_finish)
{
    set_map(1, 1, 2);
    start_at_first("");
    cr_assert_eq(tier_ask(FIRST).result, SHARE_NONE);
    for (unsigned i = 0; i < TIER_STORES; i++)
        fake_store_stop(&tier.stores[i].fake);
    for (int i = 0; i < 5; i++)
        tier_pass(1000);
    set_map(0, 0, 0);
    cr_assert(fake_store_start(&tier.stores[0].fake));
    for (int i = 0; i < 12; i++)
        tier_pass(1000);
    cr_assert_eq(tier_ask(FIRST).result, SHARE_NONE);
    cr_assert(tier_counts() && tier.status.up);
}

static bool is_connected(unsigned store)
{
    for (unsigned i = 0; i < FAKE_STORE_CLIENTS; i++)
        if (tier.stores[store].fake.clients[i].fd >= 0)
            return true;
    return false;
}

Test(share_cluster, nodes_that_have_left_are_forgotten, .init = start_cluster, .fini = tier_finish)
{
    struct p0f_host host = tier_host(0);

    cr_assert(is_connected(2));
    set_map(0, 1, 1);
    tier.stores[2].on_read = redirection("MOVED", 1);
    cr_assert_eq(tier_ask(THIRD).result, SHARE_NONE);
    for (int i = 0; i < 2 * NODES_FORGET_MS / 1000; i++)
        tier_pass(1000);
    cr_assert_not(is_connected(2));
    cr_assert(is_connected(1));
    cr_assert(tier_counts() && tier.status.nodes == 2);
    tier.stores[2].on_read = NULL;
    set_map(0, 1, 2); /* and learned again, at the same place in the table */
    tier.stores[1].on_read = redirection("MOVED", 2);
    cr_assert_eq(tier_ask(THIRD).result, SHARE_NONE);
    tier_pass(1000);
    tier_write(THIRD, &host);
    cr_assert_eq(tier_counts()->writes_ok, 1);
    cr_assert_eq(tier.status.nodes, 3);
}

Test(share_cluster, those_in_the_settings_are_kept, .init = tier_open, .fini = tier_finish)
{
    set_map(1, 1, 2);
    start_at_first("");
    for (int i = 0; i < 3; i++)
        tier_pass(NODES_FORGET_MS);
    cr_assert(is_connected(0));
}

Test(share_cluster, those_that_are_used_are_kept, .init = start_with_first_only,
     .fini = tier_finish)
{
    tier.stores[0].on_read = redirection("ASK", 1); /* which has no slots yet */
    for (int i = 0; i < 5; i++) {
        cr_assert_eq(tier_ask(SECOND).result, SHARE_NONE);
        tier_pass(NODES_FORGET_MS / 2);
    }
    cr_assert(is_connected(1));
    cr_assert_eq(tier.stores[1].fake.accepted, 1);
}

/* ---- Several servers */

static void start_at_all(void)
{
    char server[256];

    snprintf(server, sizeof server,
             "redis://127.0.0.1:%u,redis://127.0.0.1:%u, redis://127.0.0.1:%u,redis://127.0.0.1:%u",
             port_of(0), port_of(1), port_of(2), port_of(0));
    tier_new(server);
}

Test(share_cluster, any_of_several_may_be_down, .init = tier_open, .fini = tier_finish)
{
    set_map(1, 1, 2);
    fake_store_stop(&tier.stores[0].fake);
    start_at_all();
    cr_assert_eq(tier_ask(FIRST).result, SHARE_NONE);
    cr_assert_eq(tier_ask(THIRD).result, SHARE_NONE);
    cr_assert(tier_counts() && tier.status.up);
    cr_assert_eq(tier.status.nodes, 3, "one was given twice");
}

Test(share_cluster, several_that_are_no_cluster_are_not_used, .init = tier_open,
     .fini = tier_finish)
{
    struct tier_query query;

    start_at_all();
    for (int i = 0; i < 5; i++)
        tier_pass(1000);
    tier_forget_protocols();
    cr_assert_not(tier_try(&query, SECOND));
    cr_assert(tier_counts() && !tier.status.up);
    cr_assert_eq(count_of("HSCAN"), 0);
    for (unsigned i = 0; i < TIER_STORES; i++)
        fake_store_stop(&tier.stores[i].fake);
    tier_settle();
    set_map(0, 1, 2); /* started anew as a cluster */
    for (unsigned i = 0; i < TIER_STORES; i++)
        cr_assert(fake_store_start(&tier.stores[i].fake));
    for (int i = 0; i < 12; i++)
        tier_pass(1000);
    cr_assert_eq(tier_ask(SECOND).result, SHARE_NONE);
}
