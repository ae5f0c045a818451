/* SPDX-License-Identifier: MIT */
/* Names with several addresses: getaddrinfo() is the test's own. */
#include "getaddrinfo_fixture.h"
#include "node_fixture.h"

#include "share/node_session.h"

static sem_t end, ended;
static bool known;

/* The store listens on the second one only. */
int __wrap_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
                       struct addrinfo **list)
{
    struct addrinfo *second = NULL;

    if (hints->ai_flags & AI_NUMERICHOST)
        return __real_getaddrinfo(host, service, hints, list);
    sem_wait(&end);
    bool is_known = known;
    sem_post(&ended);
    if (!is_known)
        return EAI_NONAME;
    if (__real_getaddrinfo("127.0.0.2", NULL, hints, list) != 0 ||
        __real_getaddrinfo("127.0.0.1", NULL, hints, &second) != 0)
        return EAI_FAIL;
    (*list)->ai_next = second;
    return 0;
}

static void setup(void)
{
    node_open_store();
    sem_init(&end, 0, 0);
    sem_init(&ended, 0, 0);
    known = true;
    struct redis_url url = node_tcp_url();
    strcpy(url.host, "store.example");
    node_open_to(url);
    node_settle();
    cr_assert_eq(node_status().state, SHARE_NODE_CONNECTING);
}

/* The thread ends when it likes. */
static void settle_until(enum share_node_state state)
{
    while (node_status().state != state)
        node_settle();
}

Test(node_session, the_second_address_is_tried_when_the_first_refuses)
{
    setup();
    sem_post(&end);
    settle_until(SHARE_NODE_UP);
    cr_assert_eq(on.counts.connects_failed, 0);
    node_close();
}

Test(node_session, a_name_that_is_not_known)
{
    setup();
    known = false;
    sem_post(&end);
    settle_until(SHARE_NODE_DOWN);
    cr_assert_str_eq(node_status().fault, "cannot resolve the name: Name or service not known");
    node_close();
}

Test(node_session, name_servers_that_do_not_answer_are_waited_for)
{
    setup();
    node_pass(999);
    cr_assert_str_eq(node_status().fault, "not connected yet");
    node_pass(1);
    cr_assert_str_eq(node_status().fault,
                     "cannot resolve the name: no answer from the name servers yet");
    node_pass(60000);
    cr_assert_eq(node_status().state, SHARE_NODE_CONNECTING, "one thread, and not another one");
    sem_post(&end);
    settle_until(SHARE_NODE_UP);
    node_close();
}

Test(node_session, freed_while_it_is_resolved)
{
    setup();
    node_close();
    sem_post(&end);
    sem_wait(&ended);
}
