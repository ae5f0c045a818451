/* SPDX-License-Identifier: MIT */
#include "node_fixture.h"

#include "share/node_connection.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

static unsigned replies, losses;

static void count_text(void *ctx, const redisReply *reply)
{
    (void)ctx;
    replies += reply != NULL;
    losses += reply == NULL;
}

static void setup(void)
{
    replies = losses = 0;
    node_open();
}

/* ---- Not let in */

/* The fault after the store has said `answer` to all that it was asked. */
static const char *fault_after(struct redis_url url, const char *answer)
{
    static char fault[SHARE_FAULT_SIZE];

    on.answer = answer;
    node_open_to(url);
    node_settle();
    strcpy(fault, node_status().fault);
    cr_assert_eq(on.ups, 0);
    node_connection_free(on.node);
    on.node = NULL;
    node_settle();
    return fault;
}

Test(node_connection_faults, say_what_to_do)
{
    static const struct {
        const char *answer, *fault;
    } cases[] = {
        {"-NOAUTH Authentication required.\r\n",
         "a password is required (NOAUTH): set it in share.server"},
        {"-NOPERM User p0f has no permissions to run the 'ping' command\r\n",
         "the user of share.server may not run PING (NOPERM): change its ACL"},
        {"-DENIED Redis is running in protected mode because...\r\n",
         "protected mode refuses other hosts (DENIED): set a password on the server"},
        {"-ERR max number of clients reached\r\n",
         "too many clients; raise maxclients on the server"},
        {"-LOADING Redis is loading the dataset in memory\r\n", "loading its data"},
        {"-MASTERDOWN Link with MASTER is down\r\n",
         "a replica that has lost its master and refuses reads (MASTERDOWN)"},
        {"-BUSY Redis is busy running a script.\r\n", "busy running a script (BUSY)"},
        {"-CLUSTERDOWN The cluster is down\r\n", "its cluster is down (CLUSTERDOWN)"},
        {"-BUSYNESS\x1b\xff\x7f\r\n", "PING refused: BUSYNESS???"},
        {"-ERR unknown command 'PING', with args beginning with: 'p0f:192.0.2.1' \r\n",
         "PING refused: ERR unknown command 'PING'"},
        {":1\r\n", "not a Valkey or Redis server: unexpected reply to PING"},
        {"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n",
         "not a Valkey or Redis server: it sent 'HTTP/1.1 400 Bad Reques...'"},
        {"\x15\x03\x01", "the server expects TLS: use rediss:// in share.server"},
    };

    node_open_store();
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++)
        cr_assert_str_eq(fault_after(node_unix_url(), cases[i].answer), cases[i].fault);
    node_close();
}

static const char *auth_fault(const char *answer)
{
    struct redis_url url = node_tcp_url();

    strcpy(url.user, "p0f");
    strcpy(url.password, "hunter2");
    return fault_after(url, answer);
}

/* A server, or a proxy, that does not know AUTH repeats what it was sent. */
Test(node_connection_faults, a_password_is_never_shown)
{
    char text[4096];
    int ends[2], real_stderr = dup(STDERR_FILENO);

    cr_assert_eq(pipe(ends), 0);
    dup2(ends[1], STDERR_FILENO);
    node_open_store();
    cr_assert_str_eq(auth_fault("-WRONGPASS invalid username-password pair hunter2\r\n"),
                     "wrong user or password (WRONGPASS): check share.server");
    cr_assert_str_eq(auth_fault("-ERR unknown command 'AUTH', with args beginning with: 'p0f' "
                                "'hunter2'\r\n"),
                     "AUTH refused: check user and password in share.server and on the server");
    dup2(real_stderr, STDERR_FILENO);
    close(ends[1]);
    ssize_t length = read(ends[0], text, sizeof text - 1);
    cr_assert_gt(length, 0);
    text[length] = '\0';
    cr_assert_not_null(strstr(text, "AUTH refused"));
    cr_assert_null(strstr(text, "hunter2"), "%s", text);
    node_close();
}

Test(node_connection_faults, a_database_that_does_not_exist)
{
    node_open_store();
    struct redis_url url = node_unix_url();
    url.database = 99;
    cr_assert_str_eq(fault_after(url, "-ERR DB index is out of range\r\n"),
                     "cannot select the database of share.server: ERR DB index is out of range");
    node_close();
}

Test(node_connection_faults, a_server_that_loads_its_data_is_waited_for)
{
    node_open_store();
    on.answer = "-LOADING Redis is loading the dataset in memory\r\n";
    node_open_to(node_unix_url());
    for (int i = 0; i < 30; i++)
        node_pass(1000);
    cr_assert_eq(node_status().state, SHARE_NODE_CONNECTING);
    cr_assert_str_eq(node_status().fault, "loading its data");
    on.answer = NULL;
    node_pass(1000);
    cr_assert_eq(node_status().state, SHARE_NODE_UP);
    cr_assert_eq(on.store.accepted, 1, "all on one connection");
    cr_assert_eq(on.counts.connects_failed, 0);
    node_close();
}

/* ---- Not there */

Test(node_connection_faults, refused_and_there_again)
{
    node_open_store();
    fake_store_stop(&on.store);
    node_open_to(node_tcp_url());
    node_settle();
    cr_assert_eq(node_status().state, SHARE_NODE_DOWN);
    cr_assert_str_eq(node_status().fault, "cannot connect: Connection refused");
    cr_assert(fake_store_start(&on.store));
    node_pass(100);
    cr_assert_eq(node_status().state, SHARE_NODE_UP);
    cr_assert_eq(on.counts.connects_failed, 1);
    cr_assert_eq(on.counts.connects_ok, 1);
    cr_assert_eq(on.downs, 0, "it was not up before");
    node_close();
}

Test(node_connection_faults, no_such_socket)
{
    node_open_store();
    fake_store_stop(&on.store);
    node_open_to(node_unix_url());
    cr_assert_str_eq(node_status().fault, "cannot connect: No such file or directory");
    node_close();
}

/* hiredis 0.14 would connect to something else. */
Test(node_connection_faults, a_path_that_is_too_long)
{
    node_open_store();
    struct redis_url url = {.is_unix = true};
    memset(url.host, '/', 107);
    node_open_to(url);
    cr_assert_str_eq(node_status().fault, "cannot connect: File name too long");
    node_close();
}

Test(node_connection_faults, accepted_and_never_answered)
{
    node_open_store();
    on.deaf = true;
    node_open_to(node_unix_url());
    node_settle();
    node_pass(999);
    cr_assert_eq(node_status().state, SHARE_NODE_CONNECTING);
    node_pass(1);
    cr_assert_eq(node_status().state, SHARE_NODE_DOWN);
    cr_assert_str_eq(node_status().fault, "connected, but no reply within 1 s");
    node_close();
}

/* A listener that accepts nobody, and has its queue full: as if a firewall dropped the packets. */
Test(node_connection_faults, no_answer_to_connecting)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0), waiting[2];

    node_open_store();
    cr_assert_eq(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    cr_assert_eq(listen(listener, 0), 0);
    cr_assert_eq(getsockname(listener, (struct sockaddr *)&address, &length), 0);
    for (int i = 0; i < 2; i++) {
        waiting[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        connect(waiting[i], (struct sockaddr *)&address, sizeof address);
    }
    node_open_to((struct redis_url){.host = "127.0.0.1", .port = ntohs(address.sin_port)});
    node_pass(999);
    cr_assert_eq(node_status().state, SHARE_NODE_CONNECTING);
    node_pass(1);
    cr_assert_str_eq(node_status().fault, "cannot connect: no answer within 1 s");
    node_close();
    close(waiting[0]);
    close(waiting[1]);
    close(listener);
}

Test(node_connection_faults, closed_without_a_reply)
{
    node_open_store();
    on.mute = true;
    node_open_to(node_unix_url());
    node_settle();
    fake_store_hang_up(node_client());
    node_settle();
    cr_assert_str_eq(node_status().fault, "connection lost before any reply: Server closed the "
                                          "connection; does the server expect TLS (rediss://)?");
    node_close();
}

/* 0.1 seconds at first, then ever longer, up to 10; shortened at random by up to a half. */
Test(node_connection_faults, is_tried_again_ever_less_often)
{
    node_open_store();
    on.answer = "-ERR no\r\n";
    node_open_to(node_unix_url());
    for (int ms = 0; ms < 600000; ms += 50)
        node_pass(50);
    cr_assert_geq(on.store.accepted, 8 + 58);
    cr_assert_leq(on.store.accepted, 8 + 2 * 60);
    on.answer = NULL;
    node_pass(10000);
    cr_assert_eq(node_status().state, SHARE_NODE_UP);
    node_pass(1000);
    fake_store_hang_up(node_client());
    node_settle();
    node_pass(100);
    cr_assert_eq(node_status().state, SHARE_NODE_UP, "it was well: tried again soon");
    node_close();
}

/* It lets us in and hangs up, again and again: no reason to come back every 0.1 seconds. */
Test(node_connection_faults, coming_and_going_is_not_well)
{
    setup();
    for (int ms = 0; ms < 60000; ms += 50) {
        for (unsigned i = 0; i < FAKE_STORE_CLIENTS; i++)
            if (on.store.clients[i].fd >= 0 && node_connection_ready(on.node))
                fake_store_hang_up(&on.store.clients[i]);
        node_pass(50);
    }
    cr_assert_lt(on.store.accepted, 25);
    node_close();
}

/* ---- The breaker */

static void fail_three_times(void)
{
    for (int i = 0; i < 3; i++)
        node_connection_failed(on.node, "no reply within 50 ms");
}

Test(node_connection_faults, three_failures_open_the_breaker_and_a_ping_closes_it)
{
    setup();
    node_connection_failed(on.node, "slow");
    node_connection_failed(on.node, "slow");
    node_connection_succeeded(on.node);
    node_connection_failed(on.node, "slow");
    node_connection_failed(on.node, "slow");
    cr_assert(node_connection_ready(on.node));
    node_connection_failed(on.node, "no reply within 50 ms");
    cr_assert_not(node_connection_ready(on.node));
    cr_assert_eq(node_status().state, SHARE_NODE_OPEN);
    cr_assert_eq(on.downs, 1);
    cr_assert_str_eq(on.fault, "breaker open after 3 failures in a row: no reply within 50 ms");
    cr_assert_eq(on.counts.breaker_opened, 1);
    cr_assert_not(node_send_text("x", count_text, NULL));
    node_pass(49);
    cr_assert_str_empty(on.log);
    node_pass(51);
    cr_assert_str_eq(on.log, "PING|");
    cr_assert_eq(node_status().state, SHARE_NODE_UP);
    cr_assert_eq(on.ups, 2);
    cr_assert_eq(on.store.accepted, 1, "the connection was kept");
    node_close();
}

Test(node_connection_faults, what_was_sent_before_may_still_be_answered)
{
    setup();
    on.mute = true;
    for (int i = 0; i < 3; i++)
        cr_assert(node_send_text("late", count_text, NULL));
    node_settle();
    fail_three_times();
    cr_assert_eq(losses, 0);
    fake_store_put(node_client(), "+1\r\n+2\r\n+3\r\n");
    node_settle();
    cr_assert_eq(replies, 3);
    node_connection_succeeded(on.node);
    cr_assert_eq(node_status().state, SHARE_NODE_OPEN, "too late to close it");
    node_close();
}

Test(node_connection_faults, a_server_that_hangs_is_connected_to_again)
{
    setup();
    on.deaf = true;
    cr_assert(node_send_text("lost", count_text, NULL));
    node_settle();
    fail_three_times();
    for (int ms = 0; ms < 2000 && node_status().state == SHARE_NODE_OPEN; ms += 10)
        node_pass(10);
    cr_assert_eq(node_status().state, SHARE_NODE_DOWN);
    cr_assert_str_eq(node_status().fault, "still no reply; reconnecting");
    cr_assert_eq(losses, 1);
    cr_assert_eq(on.downs, 1, "told when the breaker opened");
    on.deaf = false;
    node_pass(200);
    cr_assert_eq(on.ups, 2);
    cr_assert_eq(on.store.accepted, 2);
    node_close();
}

/* Every reply takes longer than the timeout: it stays out, on one connection. */
Test(node_connection_faults, a_server_that_is_too_slow_stays_left_out)
{
    setup();
    fail_three_times();
    on.mute = true;
    for (int ms = 0; ms < 60000; ms += 10) {
        node_pass(10);
        if (ms % 200 == 0 && node_status().outstanding > 0)
            for (unsigned left = node_status().outstanding; left > 0; left--)
                fake_store_put(node_client(), "+PONG\r\n");
    }
    cr_assert_eq(on.store.accepted, 1);
    cr_assert_geq(on.store.clients[0].commands, 6);
    node_close();
}

static void pass_until_pings(unsigned pings)
{
    for (int i = 0; i < 1000 && node_status().outstanding < pings; i++)
        node_pass(10);
    cr_assert_eq(node_status().outstanding, pings);
}

Test(node_connection_faults, the_late_reply_to_an_earlier_ping_leaves_it_open)
{
    setup();
    on.mute = true;
    fail_three_times();
    pass_until_pings(2);
    fake_store_put(node_client(), "+PONG\r\n");
    node_settle();
    cr_assert_eq(node_status().state, SHARE_NODE_OPEN);
    fake_store_put(node_client(), "+PONG\r\n");
    node_settle();
    cr_assert_eq(node_status().state, SHARE_NODE_UP);
    node_close();
}

Test(node_connection_faults, the_late_reply_to_a_command_does_not_count_as_one_to_a_ping)
{
    setup();
    on.mute = true;
    fail_three_times();
    pass_until_pings(1);
    node_connection_succeeded(on.node);
    cr_assert_eq(node_status().state, SHARE_NODE_OPEN);
    fake_store_put(node_client(), "+PONG\r\n");
    node_settle();
    cr_assert_eq(node_status().state, SHARE_NODE_UP);
    node_close();
}

Test(node_connection_faults, a_ping_that_is_refused_leaves_it_open)
{
    setup();
    fail_three_times();
    on.answer = "-LOADING loading\r\n";
    node_pass(100);
    cr_assert_str_eq(on.log, "PING|");
    cr_assert_eq(node_status().state, SHARE_NODE_OPEN);
    on.answer = NULL;
    node_pass(200);
    cr_assert_eq(node_status().state, SHARE_NODE_UP);
    node_close();
}

Test(node_connection_faults, a_connection_lost_while_it_is_open_is_told_once)
{
    setup();
    fail_three_times();
    fake_store_hang_up(node_client());
    node_settle();
    cr_assert_eq(node_status().state, SHARE_NODE_DOWN);
    cr_assert_eq(on.downs, 1);
    node_close();
}

/* ---- Replies that are not accepted */

static const char *fault_of_reply(void)
{
    static char fault[SHARE_FAULT_SIZE];

    for (int i = 0; i < 40 && node_connection_ready(on.node); i++)
        node_settle();
    strcpy(fault, node_status().fault);
    return fault;
}

Test(node_connection_faults, a_reply_to_nothing)
{
    setup();
    fake_store_put(node_client(), "+OK\r\n");
    cr_assert_str_eq(fault_of_reply(), "a reply without a command");
    node_pass(100);
    cr_assert(node_connection_ready(on.node));
    fake_store_put(node_client(), "-ERR max number of clients reached\r\n");
    cr_assert_str_eq(fault_of_reply(), "too many clients; raise maxclients on the server");
    node_close();
}

Test(node_connection_faults, two_replies_to_one_command)
{
    setup();
    on.mute = true;
    cr_assert(node_send_text("x", count_text, NULL));
    node_settle();
    fake_store_put(node_client(), "+1\r\n+2\r\n");
    cr_assert_str_eq(fault_of_reply(), "a reply without a command");
    cr_assert_eq(replies, 1);
    node_close();
}

Test(node_connection_faults, what_is_no_reply)
{
    setup();
    fake_store_put(node_client(), "HTTP");
    cr_assert_str_eq(fault_of_reply(), "Protocol error, got \"H\" as reply type byte");
    node_close();
}

static void ask_and_answer(const char *begin, size_t count, const char *element)
{
    cr_assert(node_send_text("x", count_text, NULL));
    on.mute = true;
    node_settle();
    fake_store_put(node_client(), "%s", begin);
    for (size_t i = 0; i < count; i++)
        fake_store_put(node_client(), "%s", element);
}

Test(node_connection_faults, a_long_string_is_not_kept)
{
    setup();
    ask_and_answer("$536870912\r\n", 200000, "0123456789");
    cr_assert_str_eq(fault_of_reply(), "a reply larger than 1 MB");
    cr_assert_eq(losses, 1);
    node_close();
}

Test(node_connection_faults, a_long_array_is_not_kept)
{
    setup();
    ask_and_answer("*200000\r\n", 200000, "$2\r\nab\r\n");
    cr_assert_str_eq(fault_of_reply(), "a reply larger than 1 MB");
    cr_assert_eq(losses, 1);
    node_close();
}

Test(node_connection_faults, many_replies_of_almost_1_MB_are_accepted)
{
    setup();
    ask_and_answer("*100000\r\n", 100000, "$2\r\nab\r\n");
    for (int i = 0; i < 40 && replies == 0; i++)
        node_settle();
    ask_and_answer("*100000\r\n", 100000, "$2\r\nab\r\n");
    for (int i = 0; i < 40 && replies == 1; i++)
        node_settle();
    cr_assert_eq(replies, 2);
    cr_assert_eq(on.downs, 0);
    node_close();
}

Test(node_connection_faults, no_space_is_made_for_what_is_only_announced)
{
    setup();
    ask_and_answer("*2147483647\r\n", 1, ":1\r\n");
    cr_assert_str_eq(fault_of_reply(), "a reply with too many elements, or out of memory");
    node_close();
}

/* hiredis 1.2 would free it recursively. */
Test(node_connection_faults, a_deep_reply_is_not_kept)
{
    setup();
    ask_and_answer("*1\r\n", 100000, "*1\r\n");
    node_settle();
    cr_assert_eq(node_status().state, SHARE_NODE_DOWN);
    node_close();
}
